import { limits } from "../../core/limits.ts";

/** One line of the control connection: its text, or what is wrong with it. */
export type CommandLine = { readonly text: string } | { readonly problem: "too-long" | "not-utf8" };

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** RFC 854: "interpret as command". No byte of UTF-8 text is one. */
const interpretAsCommand = 0xff;
const firstNegotiation = 0xfb;
const firstCommand = 0xf0;

type State = "text" | "skipping" | "telnet-command" | "telnet-option";

/**
 * Cuts the bytes of a control connection into command lines (RFC 959 §5.3.1), without the telnet commands that
 * clients send ahead of ABOR. Lines end in CRLF; LF alone is accepted. Keeps at most one line and what was pushed and
 * not yet read; a line over the limit is reported once, at the byte that makes it too long, and skipped to its end.
 */
export class CommandLineReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  readonly #chunks: Uint8Array[] = [];
  /** Made by the first byte: whoever says nothing takes next to no memory. */
  #line: Buffer | undefined;
  #length = 0;
  #heldBytes = 0;
  #state: State = "text";

  /** Bytes that were pushed and not yet looked at. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
  }

  /** The next line; undefined until more bytes are pushed. */
  next(): CommandLine | undefined {
    for (let chunk = this.#chunks[0]; chunk; chunk = this.#chunks[0]) {
      const { line, used } = this.#scan(chunk);
      this.#heldBytes -= used;
      if (used === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(used);
      if (line) return line;
    }
    return undefined;
  }

  /** Forgets everything that arrived. */
  discard(): void {
    this.#chunks.length = 0;
    this.#heldBytes = 0;
    this.#length = 0;
    this.#state = "text";
  }

  #scan(chunk: Uint8Array): { line?: CommandLine; used: number } {
    let used = 0;
    while (used < chunk.length) {
      if (this.#state === "skipping") {
        used = this.#skip(chunk, used);
        continue;
      }
      const line = this.#take(chunk[used] ?? 0);
      used += 1;
      if (line) return { line, used };
    }
    return { used };
  }

  #skip(chunk: Uint8Array, from: number): number {
    const end = chunk.indexOf(lineFeed, from);
    if (end < 0) return chunk.length;
    this.#state = "text";
    return end + 1;
  }

  #take(byte: number): CommandLine | undefined {
    if (this.#state === "telnet-option") {
      this.#state = "text";
      return undefined;
    }
    if (this.#state === "telnet-command") {
      this.#state = byte >= firstNegotiation && byte < interpretAsCommand ? "telnet-option" : "text";
      // The urgent byte of a telnet "synch" travels apart from the others, so a command may lack its second byte.
      return byte < firstCommand ? this.#take(byte) : undefined;
    }
    if (byte === interpretAsCommand) {
      this.#state = "telnet-command";
      return undefined;
    }
    return byte === lineFeed ? this.#endLine() : this.#append(byte);
  }

  #append(byte: number): CommandLine | undefined {
    this.#line ??= Buffer.alloc(limits.ftpsCommandLineBytes);
    if (this.#length < this.#line.length) {
      this.#line[this.#length++] = byte;
      return undefined;
    }
    this.#length = 0;
    this.#state = "skipping";
    return { problem: "too-long" };
  }

  #endLine(): CommandLine {
    const bytes = this.#line?.subarray(0, this.#length);
    this.#length = 0;
    try {
      return { text: this.#decoder.decode(bytes?.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes) };
    } catch {
      return { problem: "not-utf8" };
    }
  }
}
