import type { Socket } from "node:net";
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
} from "node:tls";
import type { Peer, TerminateCause } from "../../core/accounting-event.ts";
import { mayCancelBeforeEnd, peek } from "./client-hello.ts";
import { type CommandLine, CommandLineReader } from "./command-lines.ts";
import type { DataDirection, DataProtection, UploadPath } from "./data-connection.ts";
import type { FtpsLimits } from "./ftps-limits.ts";
import { InactivityTimer } from "./inactivity-timer.ts";
import { plainAddress } from "./network-address.ts";
import { formatReply, type Reply } from "./replies.ts";
import { type SessionReuse, type TlsSettings, withoutResumption, withoutTickets } from "./tls-settings.ts";
import { createConnectionServer, secureControlSocket } from "./tls-sockets.ts";

export interface ControlEvents {
  /** Bytes have arrived: there may be lines. */
  readonly received: () => void;
  /** Once: nothing more will be read, and nothing more said. */
  readonly ended: (cause: TerminateCause) => void;
  /** Once: the connection is gone. */
  readonly closed: () => void;
}

export interface ControlSettings {
  readonly tls: TlsSettings;
  readonly sessionReuse: SessionReuse;
  readonly isImplicit: boolean;
  readonly limits: FtpsLimits;
  /** Who the client is, where its connection was passed on. */
  readonly peer?: Peer | undefined;
  readonly uploadPath: () => UploadPath;
}

/** The control connection of one client: lines in, replies out, in clear and then under TLS. */
export class ControlConnection {
  readonly peer: Peer;
  readonly localAddress: string;
  readonly #settings: ControlSettings;
  readonly #events: ControlEvents;
  readonly #reader = new CommandLineReader();
  #socket: Socket;
  #tls: TLSSocket | undefined;
  #tlsOptions: SecureContextOptions | undefined;
  #tlsServer: Server | undefined;
  readonly #dataContexts: Partial<Record<DataDirection, SecureContext>> = {};
  #mayCancelBeforeEnd = false;
  #isInHandshake = false;
  #hasEnded = false;

  constructor(socket: Socket, settings: ControlSettings, events: ControlEvents) {
    this.peer = settings.peer ?? { address: plainAddress(socket.remoteAddress), port: socket.remotePort ?? 0 };
    this.localAddress = plainAddress(socket.localAddress);
    this.#settings = settings;
    this.#events = events;
    this.#socket = socket;
    socket.once("close", () => {
      this.#announceEnd("lost-carrier");
      events.closed();
    });
    this.#read(socket);
  }

  get isImplicit(): boolean {
    return this.#settings.isImplicit;
  }

  get limits(): FtpsLimits {
    return this.#settings.limits;
  }

  get tls(): TLSSocket | undefined {
    return this.#tls;
  }

  /** No password is taken. */
  get certificateRequired(): boolean {
    return this.#settings.tls.requiresCertificates;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The next command line; undefined until more arrives. A client that sends far ahead has to wait. */
  nextLine(): CommandLine | undefined {
    const line = this.#reader.next();
    if (this.#reader.heldBytes < this.limits.ftpsHeldCommandBytes) this.#socket.resume();
    return line;
  }

  /** Resolves when the client has taken so much of what was sent before that the next reply need not pile up. */
  async send(reply: Reply): Promise<void> {
    const socket = this.#socket;
    if (this.#hasEnded || !socket.writable || socket.write(formatReply(reply))) return;
    await new Promise<void>((resolve) => {
      socket.once("drain", resolve);
      socket.once("close", resolve);
    });
  }

  /**
   * Goes on under TLS. What the client sent before its handshake is forgotten: it came over a connection that anyone
   * could write into. Resolves when the handshake has ended, well or with the end of the connection.
   */
  async startTls(): Promise<void> {
    const { tls } = this.#settings;
    this.#socket.removeAllListeners("data");
    this.#reader.discard();
    this.#tlsOptions = tls.forConnection();
    this.#isInHandshake = true;
    try {
      const hello = await peek(this.#socket, this.limits.handshakeMs);
      this.#mayCancelBeforeEnd = mayCancelBeforeEnd(hello);
      this.#tlsServer = createConnectionServer({ ...this.#tlsOptions, requestCert: tls.asksForCertificates });
      const socket = await secureControlSocket(this.#socket, this.#tlsServer);
      this.#tls = socket;
      this.#socket = socket;
      this.#isInHandshake = false;
      this.#read(socket);
    } catch {
      this.end("protocol-error");
    }
  }

  /** For a data connection of this client. */
  dataProtection(protection: "clear" | "private"): DataProtection {
    const { sessionReuse } = this.#settings;
    const uploadPath = this.#mayCancelBeforeEnd ? "copying" : this.#settings.uploadPath();
    const options = this.#tlsOptions;
    if (protection === "clear" || !options) return { tls: undefined, mustResume: false, uploadPath };
    const sessions = sessionReuse !== "off" && this.#tlsServer ? { server: this.#tlsServer } : {};
    const tls = (direction: DataDirection) => {
      this.#dataContexts[direction] ??= this.#dataContext(options, direction, uploadPath);
      return { isServer: true, secureContext: this.#dataContexts[direction], ...sessions };
    };
    return { tls, mustResume: sessionReuse === "required", uploadPath };
  }

  #dataContext(options: SecureContextOptions, direction: DataDirection, uploadPath: UploadPath): SecureContext {
    const canResume = this.#settings.sessionReuse !== "off";
    const context = createSecureContext(canResume ? options : withoutResumption(options));
    return direction === "receive" && uploadPath === "direct" ? withoutTickets(context) : context;
  }

  /**
   * Says goodbye, unless a handshake is under way, and closes, at the latest when the client had time to close its
   * side. Harmless the second time.
   */
  end(cause: TerminateCause, reply?: Reply): void {
    if (this.#hasEnded) return;
    const socket = this.#socket;
    if (reply && socket.writable && !this.#isInHandshake) socket.write(formatReply(reply));
    this.#announceEnd(cause);
    socket.removeAllListeners("data");
    socket.resume();
    socket.end();
    const timer = new InactivityTimer(this.limits.ftpsLingerMs, () => socket.destroy());
    socket.once("close", () => timer.stop());
  }

  /** Closes at once. */
  destroy(cause: TerminateCause): void {
    this.#announceEnd(cause);
    this.#socket.destroy();
  }

  #read(socket: Socket): void {
    // An error is followed by the end of the connection, which says all there is to say.
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.#reader.push(chunk);
      if (this.#reader.heldBytes >= this.limits.ftpsHeldCommandBytes) socket.pause();
      this.#events.received();
    });
  }

  #announceEnd(cause: TerminateCause): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#reader.discard();
    this.#events.ended(cause);
  }
}
