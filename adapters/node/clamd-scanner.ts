import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { FileError } from "../../core/errors.ts";
import { limits } from "../../core/limits.ts";
import { type ContentScanner, type ScannedFile, ScannerDown, type ScanVerdict } from "../../ports/content-scanner.ts";
import { Turnstile } from "./turnstile.ts";

/** Where clamd listens. */
export type ClamdAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * A scanner that streams each file to clamd (clamd(8), INSTREAM). Files wait for their turn, so that clamd is not
 * asked for more than limits.scansAtOnce at a time.
 */
export function createClamdScanner(address: ClamdAddress): ContentScanner {
  const turnstile = new Turnstile(limits.scansAtOnce);
  return { scan: (file) => turnstile.pass(() => scan(address, file)) };
}

/**
 * clamd closes the connection when a file is too large for it, and the system may take its last words away with it
 * while more is being written. So where it closes in the middle, a second try listens before each write.
 */
async function scan(address: ClamdAddress, file: ScannedFile): Promise<ScanVerdict> {
  try {
    return await scanOnce(address, file, file.bytes);
  } catch (error) {
    if (!(error instanceof ClosedEarly)) throw error;
    return await scanOnce(address, file, error.sentBytes - limits.scannerUnreadBytes).catch((again: unknown) => {
      throw again instanceof ScannerDown || again instanceof ClosedEarly ? broken(error) : again;
    });
  }
}

/** The connection was closed under what was being sent. */
class ClosedEarly extends Error {
  override readonly name = "ClosedEarly";
  readonly sentBytes: number;

  constructor(sentBytes: number) {
    super("the scanner closed the connection");
    this.sentBytes = sentBytes;
  }
}

/** @param listensFrom behind so many bytes it waits a moment for a reply before each write */
async function scanOnce(address: ClamdAddress, file: ScannedFile, listensFrom: number): Promise<ScanVerdict> {
  const socket = await open(address);
  const reply = readReply(socket);
  // Whoever awaits it may be late.
  reply.catch(() => {});
  try {
    const isSent = await send({ socket, reply, listensFrom }, file);
    const verdict = verdictOf(await reply);
    if (isSent || verdict.verdict === "infected") return verdict;
    throw new FileError("unavailable", "the scanner answered before it had the whole file");
  } finally {
    socket.destroy();
  }
}

function broken(cause?: unknown): FileError {
  return new FileError("unavailable", "the connection to the scanner broke before it had a verdict", { cause });
}

async function open(address: ClamdAddress): Promise<Socket> {
  const socket = connect(address as NetConnectOpts);
  socket.setTimeout(limits.scannerConnectMs, () => socket.destroy(new Error("connecting took too long")));
  try {
    await once(socket, "connect");
  } catch (error) {
    socket.destroy();
    const reason = error instanceof Error ? error.message : `${error}`;
    throw new ScannerDown(`the scanner cannot be reached: ${reason}`, error);
  }
  socket.setTimeout(limits.scannerIdleMs, () =>
    socket.destroy(new FileError("unavailable", "the scanner was silent for too long")),
  );
  return socket;
}

/** Up to the zero byte that ends a reply to a command with `z` in front. @throws FileError, or what the socket says. */
function readReply(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      text += piece;
      const end = text.indexOf("\0");
      if (end >= 0) resolve(text.slice(0, end));
      else if (text.length > limits.scannerReplyBytes)
        reject(new FileError("unavailable", "the scanner says too much"));
    });
    socket.once("error", (error) => reject(error instanceof FileError ? error : broken(error)));
    socket.once("close", () => reject(broken()));
  });
}

interface Sending {
  readonly socket: Socket;
  readonly reply: Promise<string>;
  readonly listensFrom: number;
}

/**
 * Each chunk with its length in front; one without content ends the stream.
 * @returns false when the scanner answers before it has everything @throws ClosedEarly
 */
async function send({ socket, reply, listensFrom }: Sending, { bytes, content }: ScannedFile): Promise<boolean> {
  let sentBytes = 0;
  let isAnswered = false;
  const answered = reply.then(() => {
    isAnswered = true;
  });
  answered.catch(() => {});
  await write(socket, Buffer.from("zINSTREAM\0"), sentBytes);
  for await (const piece of content()) {
    for (let start = 0; start < piece.length; start += limits.scannerChunkBytes) {
      if (sentBytes >= listensFrom) await Promise.race([answered.catch(() => {}), delay(limits.scannerListenMs)]);
      if (isAnswered) return false;
      const chunk = piece.subarray(start, start + limits.scannerChunkBytes);
      await write(socket, framed(chunk), sentBytes);
      sentBytes += chunk.length;
    }
  }
  if (sentBytes !== bytes) throw new FileError("integrity", "the file is not as long as it was");
  await write(socket, framed(Buffer.alloc(0)), sentBytes);
  return true;
}

/** A copy: the piece may change when the next is asked for, and the socket may hold what it was given till then. */
function framed(chunk: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(4 + chunk.length);
  frame.writeUInt32BE(chunk.length);
  frame.set(chunk, 4);
  return frame;
}

/** Waits where clamd reads slower than the store does. */
async function write(socket: Socket, chunk: Uint8Array, sentBytes: number): Promise<void> {
  if (socket.destroyed) throw failureOf(socket, sentBytes);
  if (socket.write(chunk)) return;
  await new Promise<void>((resolve, reject) => {
    const drained = () => settle(resolve);
    const closed = () => settle(() => reject(failureOf(socket, sentBytes)));
    const settle = (end: () => void) => {
      socket.off("drain", drained).off("close", closed);
      end();
    };
    socket.once("drain", drained).once("close", closed);
  });
}

function failureOf({ errored }: Socket, sentBytes: number): Error {
  return errored instanceof FileError ? errored : new ClosedEarly(sentBytes);
}

/** `stream: OK`, `stream: NAME FOUND`, and everything else is an error. */
function verdictOf(reply: string): ScanVerdict {
  const found = /^stream: (.+) FOUND$/.exec(reply)?.[1];
  if (found !== undefined) return { verdict: "infected", signature: found.slice(0, limits.scanSignatureLength) };
  if (reply === "stream: OK") return { verdict: "clean" };
  if (/size limit exceeded/i.test(reply)) {
    throw new FileError("too-large", "the file is over the size that the scanner takes (StreamMaxLength of clamd)");
  }
  throw new FileError("unavailable", `the scanner could not scan the file: ${printable(reply)}`);
}

function printable(text: string): string {
  return text.slice(0, limits.scanSignatureLength).replace(/[^\x20-\x7e]/g, "?");
}
