/**
 * Text in lines.
 *
 * @module
 */

/** The lines of a stream, without their ends. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const parts: string[] = [];
  for await (const chunk of stream.pipeThrough(new TextDecoderStream() as never)) {
    const [first, ...others] = (chunk as unknown as string).split("\n");
    parts.push(first);
    for (const next of others) {
      yield parts.splice(0).join("");
      parts.push(next);
    }
  }
  const last = parts.join("");
  if (last !== "") yield last;
}
