"""PyTorch as a contender: eager, as it is mostly used; on the device that BENCH_DEVICE names."""

import functools
import os

from contender import (
    Missing,
    checked,
    fft_data,
    repeated,
    serve,
    threads_wanted,
    transformer_data,
    unavailable,
)

try:
    import torch
except ImportError as error:
    unavailable(f"PyTorch cannot be imported: {error}")
    raise SystemExit from None

import torch.nn.functional as F
from torch import nn

DEVICE = os.environ.get("BENCH_DEVICE", "cpu")
if DEVICE != "cpu" and not torch.cuda.is_available():
    unavailable(f"PyTorch {torch.__version__} finds no CUDA device")
    raise SystemExit

# Products and convolutions in full float32 precision, like Jacobi's.
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.set_default_device(DEVICE)
torch.set_num_threads(threads_wanted())
torch.manual_seed(0)


def elementwise(operation, x, y):
    if operation == "add":
        return lambda: x + y
    if operation == "exp":
        return lambda: torch.exp(x)
    if operation == "sin":
        return lambda: torch.sin(x)
    if operation == "sum":
        return lambda: x.sum()
    if operation == "gelu":
        return lambda: F.gelu(x, approximate="tanh")
    return lambda: torch.sin(x) * y + torch.exp(-x.square()) / (1 + y.square())


def conv(task):
    x = torch.randn(task["batch"], task["inputs"], task["size"], task["size"])
    w = torch.randn(task["outputs"], task["inputs"], task["kernel"], task["kernel"])
    stride, padding = task["stride"], task["padding"]
    if not task["gradients"]:

        def forward():
            with torch.no_grad():
                return F.conv2d(x, w, stride=stride, padding=padding)

        return forward
    x.requires_grad_()
    w.requires_grad_()
    cotangent = torch.randn_like(F.conv2d(x, w, stride=stride, padding=padding))

    def both():
        y = F.conv2d(x, w, stride=stride, padding=padding)
        return y, torch.autograd.grad(y, (x, w), cotangent)

    return both


def training(model, inputs, labels, optimizer):
    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        return loss

    return step


def mlp_step(sizes, batch):
    layers = []
    for before, after in zip(sizes, sizes[1:]):
        layers += [nn.Linear(before, after), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    labels = torch.randint(0, sizes[-1], (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return training(model, torch.randn(batch, sizes[0]), labels, optimizer)


def transformer_step(task):
    arrays, texts = transformer_data(task)
    texts = torch.from_numpy(texts).long().to(DEVICE)
    inputs, targets = texts[:, :-1], texts[:, 1:].flatten()
    heads = task["heads"]
    leaves = []

    def parameters(tree):
        if isinstance(tree, dict):
            return {name: parameters(part) for name, part in tree.items()}
        if isinstance(tree, (list, tuple)):
            return [parameters(part) for part in tree]
        leaves.append(nn.Parameter(torch.from_numpy(tree).to(DEVICE)))
        return leaves[-1]

    params = parameters(arrays)
    optimizer = torch.optim.SGD(leaves, lr=0.1)

    def dense(x, layer):
        w, b = layer
        return x @ w + b

    def norm(x, layer):
        return F.layer_norm(x, x.shape[-1:], *layer)

    def step():
        optimizer.zero_grad()
        x = params["tokens"][inputs] + params["places"]
        for block in params["blocks"]:
            parts = dense(norm(x, block["norm1"]), block["attention"])
            split = parts.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
            y = F.scaled_dot_product_attention(*split, is_causal=True)
            x = x + dense(y.transpose(1, 2).flatten(-2), block["output"])
            y = F.gelu(dense(norm(x, block["norm2"]), block["wide"]), approximate="tanh")
            x = x + dense(y, block["narrow"])
        scores = dense(norm(x, params["norm"]), params["logits"])
        loss = F.cross_entropy(scores.flatten(0, 1), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride != 1:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x), inplace=True)


def resnet18():
    blocks = []
    for inputs, outputs, stride in [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]:
        blocks += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)]
    return nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1), *blocks, *head)


def resnet_forward(batch, size):
    model = resnet18().eval()
    images = torch.randn(batch, 3, size, size)

    def forward():
        with torch.no_grad():
            return model(images)

    return forward


def resnet_step(batch, size):
    model = resnet18().train()
    labels = torch.randint(0, 1000, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    return training(model, torch.randn(batch, 3, size, size), labels, optimizer)


def rnn(steps, batch, hidden, gradients):
    layer = nn.RNN(hidden, hidden, bias=False)
    xs = torch.randn(steps, batch, hidden)

    def forward():
        with torch.no_grad():
            return layer(xs)[0]

    def both():
        return torch.autograd.grad(layer(xs)[0].sum(), tuple(layer.parameters()))

    return both if gradients else forward


def positive_definite(size):
    a = torch.randn(size, size)
    return a @ a.T / size + torch.eye(size)


def scalar_function(x):
    return torch.log1p(torch.exp(x * torch.sin(x))) / (1 + x.square())


def function_of_four(x):
    return (x * torch.sin(x)).sum() + x.square().sum().square()


def prepare(task):
    kind = task["kind"]
    if kind == "matmul":
        dtype = getattr(torch, task.get("dtype", "float32"))
        a, b = torch.randn(2, task["size"], task["size"]).to(dtype)
        return lambda: a @ b
    if kind == "elementwise":
        x, y = torch.randn(2, task["length"])
        return elementwise(task["operation"], x, y)
    if kind in ("softmax", "layerNorm"):
        x = torch.randn(task["rows"], task["columns"])
        if kind == "softmax":
            return lambda: torch.softmax(x, -1)
        scale, shift = torch.randn(2, task["columns"])
        return lambda: F.layer_norm(x, scale.shape, scale, shift)
    if kind == "conv":
        return conv(task)
    if kind == "mlpStep":
        return mlp_step(task["sizes"], task["batch"])
    if kind == "transformerStep":
        return transformer_step(task)
    if kind == "resnetForward":
        return resnet_forward(task["batch"], task["size"])
    if kind == "resnetStep":
        return resnet_step(task["batch"], task["size"])
    if kind == "rnn":
        return rnn(task["steps"], task["batch"], task["hidden"], task["gradients"])
    if kind in ("cholesky", "eigh"):
        a = positive_definite(task["size"])
        decompose = torch.linalg.cholesky if kind == "cholesky" else torch.linalg.eigh
        return lambda: decompose(a)
    if kind == "solve":
        a, b = torch.randn(task["size"], task["size"]), torch.randn(task["size"], task["columns"])
        return lambda: torch.linalg.solve(a, b)
    if kind == "fft":
        x = torch.from_numpy(fft_data(task)).to(DEVICE)
        transform = torch.fft.rfft if task["isReal"] else torch.fft.fft
        return checked(lambda: transform(x), lambda y: y.cpu().numpy())
    if kind == "fftLoop":
        fft, n = torch.fft, task["length"]
        there_and_back = (
            (lambda x: fft.irfft(fft.rfft(x), n))
            if task["isReal"]
            else (lambda x: fft.ifft(fft.fft(x)))
        )
        return checked(
            repeated(there_and_back, torch.from_numpy(fft_data(task)).to(DEVICE)),
            lambda y: y.cpu().numpy(),
        )
    if kind in ("gradient", "hessian") and not task["compiled"]:
        if kind == "gradient":
            x = torch.tensor(0.7)
            gradient = torch.func.grad(scalar_function)
            return lambda: gradient(x)
        x = torch.tensor([0.1, -0.4, 0.7, 1.2])
        matrix = torch.func.hessian(function_of_four)
        return lambda: matrix(x)
    raise Missing("PyTorch runs eagerly here")


def finished(task):
    """The call, and on a GPU the wait for what it has started."""
    call = prepare(task)
    if DEVICE == "cpu":
        return call

    @functools.wraps(call)
    def wait():
        result = call()
        torch.cuda.synchronize()
        return result

    return wait


serve({"PyTorch": torch.__version__}, finished)
