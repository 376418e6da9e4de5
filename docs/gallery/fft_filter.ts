// Filtering with FFTs
// Removing a hum from a signal, and stripes from an image.
import { abs, arange, expandDims, fft, random, sin, stack, where } from "@jacobi/jacobi";
import { check, image, plot } from "./show.ts";

// A slow signal and a hum of 50 Hz, sampled 1000 times in a second.
const N = 1000;
const t = arange(N).div(N);
const clean = sin(t.mul(2 * Math.PI * 3)).add(sin(t.mul(2 * Math.PI * 7)).div(2));
const heard = clean.add(sin(t.mul(2 * Math.PI * 50)).mul(0.8))
  .add(random.normal(random.key(0), [N]).mul(0.1));

const spectrum = fft.rfft(heard);
const frequencies = fft.rfftfreq(N, { d: 1 / N });
await plot({ magnitude: abs(spectrum).at([0, 100]) }, { title: "Spectrum", xLabel: "Hz" });
const filtered = fft.irfft(where(frequencies.less(20), spectrum, 0), { n: N });
await plot({ heard: heard.at([0, 400]), filtered: filtered.at([0, 400]) }, { title: "The signal" });
const peak = abs(spectrum).at([20, null]).argmax().item() + 20;
check(peak === 50, "the hum is at 50 Hz");
check(filtered.sub(clean).abs().mean().item() < 0.05, "what is left is the slow signal");

// An image with stripes over it: two bright points of its spectrum.
const SIZE = 64;
const axis = arange(SIZE).sub(SIZE / 2);
const radius = axis.square().add(expandDims(axis, 1).square()).sqrt();
const hill = radius.div(12).square().neg().exp();
const stripes = sin(axis.mul(2 * Math.PI * 16 / SIZE)).mul(0.3);
const seen = hill.add(stripes);
const plane = fft.fft2(seen);
const isStripe = abs(axis).equal(16).logicalAnd(expandDims(axis, 1).equal(0));
const mended = fft.ifft2(where(fft.ifftshift(isStripe.astype("float32")).greater(0), 0, plane))
  .real();
const logs = abs(fft.fftshift(plane)).add(1).log();
await image(stack([seen, logs.div(logs.max()), mended]), {
  title: "With stripes, its spectrum, and without",
  range: [0, 1],
});
check(mended.sub(hill).abs().max().item() < 1e-3, "the stripes are gone, the hill is not");
