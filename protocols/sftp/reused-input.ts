import { Socket, type SocketConstructorOpts } from "node:net";

/** What the kernel has is fetched in pieces of at most this size. */
const inputBytes = 256 * 1024;
let input: Buffer | undefined;

/** What Node does not publish (lib/net.js): the handle of a socket, and the server that counts it. */
interface SocketInternals {
  _handle: { useUserBuffer?: unknown } | null;
  _server: unknown;
}

/**
 * A socket that takes over an accepted one and reads into one piece of memory for all connections; Node would take
 * 64 KiB of new memory for each read, and the garbage collections for it cost more than the reads. The chunk of a
 * `data` event holds good until the event is over; where `mayReuse` says no, it is a copy that may be kept.
 * The accepted socket has to be paused from the start (`pauseOnConnect`) and is what comes back where something of it
 * has been read already, or where Node's inside is not as expected.
 */
export function readIntoReusedMemory(accepted: Socket, mayReuse: () => boolean): Socket {
  const internals = accepted as unknown as SocketInternals;
  const handle = internals._handle;
  if (typeof handle?.useUserBuffer !== "function" || accepted.bytesRead > 0) return accepted.resume();
  input ??= Buffer.allocUnsafeSlow(inputBytes);
  const callback = (bytes: number, memory: Uint8Array) => {
    const chunk = Buffer.from(memory.buffer, memory.byteOffset, bytes);
    socket.emit("data", mayReuse() ? chunk : Buffer.from(chunk));
    return true;
  };
  const options = { handle, onread: { buffer: input, callback } };
  const socket = new Socket(options as unknown as SocketConstructorOpts);
  (socket as unknown as SocketInternals)._server = internals._server;
  internals._server = null;
  internals._handle = null;
  return socket;
}
