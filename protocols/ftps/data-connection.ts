import type { Socket } from "node:net";
import { TLSSocket, type TLSSocketOptions } from "node:tls";
import { limits } from "../../core/limits.ts";
import { CopyingUploadSocket } from "./copying-upload-socket.ts";
import { DirectUploadSocket } from "./direct-upload-socket.ts";
import type { FtpsLimits } from "./ftps-limits.ts";
import { InactivityTimer } from "./inactivity-timer.ts";
import type { PassivePort } from "./passive-ports.ts";
import { Refusal } from "./replies.ts";

/** Which way the data of a transfer goes, seen from here. */
export type DataDirection = "send" | "receive";

/** How the ciphertext of an upload gets to OpenSSL: inside Node, or through the hands of this process. */
export type UploadPath = "direct" | "copying";

/** How the data connections of one control connection are protected. */
export interface DataProtection {
  /** Undefined for clear data. */
  readonly tls: ((direction: DataDirection) => TLSSocketOptions) | undefined;
  readonly mustResume: boolean;
  readonly uploadPath: UploadPath;
}

/**
 * A passive port from PASV or EPSV to the transfer that uses it. Some clients want the TLS handshake before they send
 * the command, others begin it when they have read 150: it starts with the client's first bytes or with the command,
 * whichever comes first.
 */
export class DataPort {
  readonly #port: PassivePort;
  readonly #limits: FtpsLimits;
  readonly #protection: () => DataProtection;
  readonly #timer: InactivityTimer;
  #socket: Socket | undefined;
  #tls: TLSSocket | undefined;
  #secured: Promise<TLSSocket> | undefined;

  /** @param protection asked when the connection is used: PROT may come between PASV and the command */
  constructor(port: PassivePort, limits: FtpsLimits, protection: () => DataProtection) {
    this.#port = port;
    this.#limits = limits;
    this.#protection = protection;
    this.#timer = new InactivityTimer(limits.ftpsDataConnectMs, () => port.release());
    port.connection.then(
      (socket) => {
        this.#timer.stop();
        if (socket) this.#arrived(socket);
      },
      () => this.#timer.stop(),
    );
  }

  get number(): number {
    return this.#port.port;
  }

  /**
   * The client's connection, with TLS where that was asked for. A client that waits for 150 begins its handshake only
   * then, so nothing here may be awaited before that reply is sent.
   * @throws Refusal 425 when there is no connection or no handshake, 426 when it is lost again, 522 when the TLS
   * session should have been resumed.
   */
  async open(direction: DataDirection): Promise<Socket> {
    const socket = await this.#port.connection;
    if (!socket) throw new Refusal(425, "No data connection arrived.");
    socket.removeListener("readable", this.#greeted);
    if (!this.#protection().tls) {
      if (this.#tls) throw new Refusal(425, "The data connection has begun with TLS.");
      return socket;
    }
    const secured = await this.#secure(socket, direction);
    if (secured.destroyed && !secured.readableEnded) throw connectionLost(secured);
    if (secured instanceof CopyingUploadSocket && direction === "send") secured.sendTickets();
    return secured;
  }

  /** Gives the port back, and breaks the connection that came to it: nobody can take what it carried for the whole. */
  release(): void {
    this.#timer.stop();
    this.#port.release();
    this.#whenArrived((socket) => this.#breakOff(socket));
  }

  /**
   * Gives the port back, and leaves the connection to the client for a while; then it is broken. A transfer that is
   * refused, before it began or in its midst, is told on the control connection; a client whose data connection breaks
   * hears that first, and only that.
   */
  leaveToClient(withinMs: number): void {
    this.#timer.stop();
    this.#port.release();
    this.#whenArrived((socket) => lingerUntilClosed(this.#tls ?? socket, withinMs, () => this.#breakOff(socket)));
  }

  #arrived(socket: Socket): void {
    this.#socket = socket;
    // What happens to a connection before its transfer starts shows when the transfer uses it.
    socket.on("error", () => {});
    socket.setNoDelay(true);
    if (this.#protection().tls) socket.on("readable", this.#greeted);
  }

  /** The client's first bytes are there, or its end, which shows when the transfer uses the connection. */
  readonly #greeted = (): void => {
    const socket = this.#socket;
    socket?.removeListener("readable", this.#greeted);
    if (!socket?.readableLength || !this.#protection().tls) return;
    // For the direction of which more is asked: it does for the other one too.
    this.#secure(socket, "receive").catch(() => {});
  };

  #secure(socket: Socket, direction: DataDirection): Promise<TLSSocket> {
    this.#secured ??= this.#startTls(socket, direction, this.#protection());
    return this.#secured;
  }

  async #startTls(socket: Socket, direction: DataDirection, { tls, mustResume, uploadPath }: DataProtection) {
    if (!tls || socket.destroyed) throw noHandshake();
    const secured =
      direction === "send" ? new TLSSocket(socket, tls(direction)) : uploadSocket(uploadPath, socket, tls(direction));
    this.#tls = secured;
    await handshake(secured, this.#limits.handshakeMs);
    if (!mustResume || secured.isSessionReused()) return secured;
    throw new Refusal(522, "The data connection must resume the TLS session of the control connection.");
  }

  #whenArrived(act: (socket: Socket) => void): void {
    this.#port.connection.then(
      (socket) => {
        socket?.removeListener("readable", this.#greeted);
        if (socket) act(socket);
      },
      () => {},
    );
  }

  /** Node loses a connection for ever, with its descriptor, that is reset while the end of its data is on the way. */
  #breakOff(socket: Socket): void {
    if (socket.writableEnded || this.#tls?.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
  }
}

/** The server's side of TLS on the data connection of an upload. */
export function uploadSocket(path: UploadPath, socket: Socket, options: TLSSocketOptions): TLSSocket {
  const isDirect = path === "direct" && DirectUploadSocket.canCarry(socket);
  return isDirect ? new DirectUploadSocket(socket, options) : new CopyingUploadSocket(socket, options);
}

function handshake(socket: TLSSocket, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => {
      timer.stop();
      socket.destroy();
      reject(noHandshake());
    };
    const timer = new InactivityTimer(withinMs, fail);
    socket.on("error", () => {});
    socket.once("close", fail);
    socket.once("end", fail);
    // Before this event neither data nor an end may be sent: the peer would see a connection without TLS.
    socket.once("secure", () => {
      timer.stop();
      socket.removeListener("close", fail);
      socket.removeListener("end", fail);
      socket.pause();
      resolve();
    });
    // Only who reads sees the end.
    socket.resume();
  });
}

function noHandshake(): Refusal {
  return new Refusal(425, "The TLS handshake on the data connection failed.");
}

/** True when the client has said that its data is complete, as far as the connection lets it say so. */
export function isComplete(socket: Socket): boolean {
  const isUpload = socket instanceof DirectUploadSocket || socket instanceof CopyingUploadSocket;
  return isUpload ? socket.endAnnounced : true;
}

export function connectionLost(socket?: Socket): Refusal {
  if (socket instanceof CopyingUploadSocket && socket.wasCutOff) return endUnannounced();
  return new Refusal(426, "The data connection was lost; the transfer is aborted.");
}

export function endUnannounced(): Refusal {
  return new Refusal(426, "The data connection ended without a TLS close_notify; the transfer is aborted.");
}

/**
 * Sends the end of the data, announced by TLS where there is TLS, and waits until it is on its way. The client closes
 * the connection; closing it first could take data with it that the client has not yet read.
 */
export function endData(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.end((error?: Error | null) => {
      if (error) return reject(connectionLost());
      lingerUntilClosed(socket, limits.ftpsDataIdleMs, () => socket.destroy());
      resolve();
    });
  });
}

function lingerUntilClosed(socket: Socket, withinMs: number, giveUp: () => void): void {
  if (socket.destroyed) return;
  const timer = new InactivityTimer(withinMs, giveUp);
  socket.once("close", () => timer.stop());
  socket.resume();
}
