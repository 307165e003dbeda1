import type { Socket } from "node:net";
import type { ClientInfo, Connection, ServerChannel, Session as SshSession } from "ssh2";
import type { Peer, TerminateCause } from "../../core/accounting-event.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import type { Session } from "../../service/session/session.ts";
import { Authenticator } from "./authentication.ts";
import { GcmDecipher, writePacketsFromMemory } from "./gcm-packets.ts";
import type { OpenCounts } from "./handles.ts";
import type { SftpLog } from "./log.ts";
import type { PacketMemory } from "./packet-memory.ts";
import { useKeyObjects } from "./pure-crypto.ts";
import type { SftpLimits } from "./request-context.ts";
import { type ChannelHost, SftpChannel } from "./sftp-channel.ts";
import {
  clientPacketBytes,
  type DisconnectReason,
  disconnectReason,
  isExchangingKeys,
  nativeGcmCipher,
  nativeGcmDecipher,
  replaceDecipher,
  sendDisconnect,
} from "./ssh2-internals.ts";

const sftpOnly = "this service allows sftp connections only.\r\n";

/** An SSH packet's own bytes around the content of a channel, generously. */
const packetOverheadBytes = 128;

export interface ConnectionServices {
  readonly openSession: OpenSession;
  readonly limits: SftpLimits;
  readonly log: SftpLog;
  readonly hasNativeCiphers: boolean;
  /** Shared by all clients. */
  readonly memory: PacketMemory;
  /** Called when the client has logged in. */
  readonly authenticated: () => void;
}

/**
 * One client's TCP connection, which becomes a session when the client says that it speaks SSH. Holds the client to
 * every deadline and limit of the transport; ssh2 knows none.
 */
export class ClientConnection {
  readonly peer: Peer;
  /** Resolves when the socket is closed and the end of the session is on record. */
  readonly done: Promise<void>;
  readonly #socket: Socket;
  readonly #services: ConnectionServices;
  readonly #channels = new Set<SftpChannel>();
  readonly #openCounts: OpenCounts = { files: 0, directories: 0 };
  #client: Connection | undefined;
  #authenticator: Authenticator | undefined;
  #session: Session | undefined;
  /** Session channels that were opened and not closed again. */
  #openChannels = 0;
  #isAuthenticated = false;
  /** When the phase that has a deadline began: the TCP connection, then the exchange of keys, then the login. */
  #phaseStartedAtMs = performance.now();
  #hasHandshake = false;
  #keysAtMs = 0;
  #keysAtBytes = 0;
  #exchangingSinceMs: number | undefined;
  #lastActiveAtMs = performance.now();
  /** Received since channels that are not being read began to hold the client back. */
  #unreadInputBytes = 0;
  #copiesInput = false;
  #cause: TerminateCause | undefined;
  #destroyAtMs: number | undefined;

  constructor(socket: Socket, peer: Peer, services: ConnectionServices) {
    this.#socket = socket;
    this.peer = peer;
    this.#services = services;
    this.done = new Promise((resolve) => socket.once("close", () => resolve(this.#closed())));
    socket.once("end", () => this.#noteDeparture());
  }

  get isAuthenticated(): boolean {
    return this.#isAuthenticated;
  }

  /** What arrives is copied before the `data` event is over: ssh2's own deciphers and exchanges of keys refer to it. */
  get usesInputAtOnce(): boolean {
    return this.#copiesInput && !this.#isExchangingKeys();
  }

  /** All bytes in memory on behalf of this client that it decides about. */
  get heldBytes(): number {
    const inChannels = [...this.#channels].reduce((sum, channel) => sum + channel.heldBytes, 0);
    return inChannels + this.#socket.writableLength;
  }

  /** The client has sent its identification: only now is there a session. */
  attach(client: Connection, { header }: ClientInfo): void {
    this.#client = client;
    client.on("error", (error: Error & { level?: string; code?: unknown }) => this.#failed(error));
    const session = this.#services.openSession({
      protocol: "sftp",
      peer: this.peer,
      clientVersion: header.identRaw.trim(),
      disconnect: () => this.#disconnect(disconnectReason.byApplication),
    });
    this.#session = session;
    const { limits, log } = this.#services;
    this.#authenticator = new Authenticator({
      session,
      limits,
      log,
      isClosed: () => this.#destroyAtMs !== undefined || !this.#socket.writable,
      giveUp: () => this.#endSession("admin-reset", disconnectReason.noMoreAuthenticationMethods),
    });
    client.on("handshake", () => this.#keysExchanged(client));
    client.on("authentication", (context) => void this.#authenticator?.answer(context));
    client.on("ready", () => this.#loggedIn());
    client.on("session", (accept, reject) => this.#acceptChannel(session, accept, reject));
    this.#socket.on("data", (chunk: Buffer) => this.#received(chunk.length));
    this.#socket.on("drain", () => this.#pumpChannels());
  }

  /** To be called every limits.sftpCheckMs. */
  check(nowMs: number): void {
    if (this.#destroyAtMs !== undefined) {
      if (nowMs >= this.#destroyAtMs) this.#socket.destroy();
      return;
    }
    if (this.#isPastDeadline(nowMs)) {
      this.#endSession("session-timeout");
      return;
    }
    if (!this.#isAuthenticated) return;
    if ([...this.#channels].some((channel) => channel.isWorking)) this.#lastActiveAtMs = nowMs;
    if (nowMs - this.#lastActiveAtMs >= this.#services.limits.idleMs) {
      this.#endSession("idle-timeout");
      return;
    }
    this.#renewKeys(nowMs);
  }

  /** True when the client would lose nothing if the server stopped. */
  isQuiet(nowMs: number): boolean {
    if (!this.#isAuthenticated) return true;
    const isLong = nowMs - this.#lastActiveAtMs >= this.#services.limits.drainQuietMs;
    return isLong && [...this.#channels].every((channel) => channel.isQuiet);
  }

  /** The server ends this connection; {@link done} follows within limits.sftpLingerMs. */
  end(cause: TerminateCause): void {
    this.#endSession(cause);
  }

  /** Its place is needed for a client that may yet log in. */
  evict(): void {
    this.#cause ??= "admin-reset";
    this.#socket.destroy();
  }

  #isPastDeadline(nowMs: number): boolean {
    const { limits } = this.#services;
    const elapsedMs = nowMs - this.#phaseStartedAtMs;
    if (!this.#hasHandshake) return elapsedMs >= limits.handshakeMs;
    if (!this.#isAuthenticated) return elapsedMs >= limits.authenticationMs;
    if (!this.#isExchangingKeys()) this.#exchangingSinceMs = undefined;
    else this.#exchangingSinceMs ??= nowMs;
    return this.#exchangingSinceMs !== undefined && nowMs - this.#exchangingSinceMs >= limits.handshakeMs;
  }

  /** RFC 4253 §9: after so much time or so many bytes, either way. */
  #renewKeys(nowMs: number): void {
    const { limits } = this.#services;
    const isDue =
      nowMs - this.#keysAtMs >= limits.rekeyMs || this.#transferred() - this.#keysAtBytes >= limits.rekeyBytes;
    if (isDue && !this.#isExchangingKeys()) this.#client?.rekey();
  }

  #transferred(): number {
    return this.#socket.bytesRead + this.#socket.bytesWritten;
  }

  #isExchangingKeys(): boolean {
    return this.#client !== undefined && isExchangingKeys(this.#client);
  }

  #keysExchanged(client: Connection): void {
    // A client that exchanges keys again before it logs in only burns time.
    if (this.#hasHandshake && !this.#isAuthenticated) {
      this.#endSession("protocol-error", disconnectReason.protocolError);
      return;
    }
    if (this.#services.hasNativeCiphers) this.#useMemoryAgain(client);
    else useKeyObjects(client);
    if (!this.#hasHandshake) this.#phaseStartedAtMs = performance.now();
    this.#hasHandshake = true;
    this.#keysAtMs = performance.now();
    this.#keysAtBytes = this.#transferred();
    this.#pumpChannels();
  }

  #useMemoryAgain(client: Connection): void {
    const { memory } = this.#services;
    const cipher = nativeGcmCipher(client);
    const decipher = nativeGcmDecipher(client);
    if (cipher) writePacketsFromMemory(cipher, this.#socket, memory);
    this.#copiesInput = decipher !== undefined;
    if (decipher) replaceDecipher(client, new GcmDecipher(decipher, memory));
  }

  #loggedIn(): void {
    this.#isAuthenticated = true;
    this.#lastActiveAtMs = performance.now();
    this.#services.authenticated();
  }

  #acceptChannel(session: Session, accept: () => SshSession, reject: () => void): void {
    // ssh2 forgets a session channel only when something ran on it, so others count for good.
    if (this.#openChannels >= this.#services.limits.sftpChannelsPerConnection) {
      reject();
      return;
    }
    this.#openChannels += 1;
    const sshSession = accept();
    const opened = (channel: ServerChannel) => channel.once("close", () => (this.#openChannels -= 1));
    sshSession.on("subsystem", (acceptSubsystem, rejectSubsystem, { name }) => {
      if (name !== "sftp") {
        rejectSubsystem?.();
        return;
      }
      const channel = this.#usable(acceptSubsystem());
      if (!channel) return;
      opened(channel);
      const sftp = this.#openSftp(session, channel);
      sshSession.once("close", () => sftp.stop());
    });
    for (const event of ["shell", "exec"] as const) {
      sshSession.on(event, (acceptProgram: () => ServerChannel) => {
        const channel = this.#usable(acceptProgram());
        if (!channel) return;
        opened(channel);
        declineProgram(channel);
      });
    }
  }

  /** ssh2 never answers a second program on one channel, nor ends sending to a client that takes 0 bytes. */
  #usable(channel: ServerChannel | undefined): ServerChannel | undefined {
    if (!channel) return undefined;
    if (clientPacketBytes(channel) >= this.#services.limits.sftpSmallestClientPacketBytes) return channel;
    this.#endSession("protocol-error", disconnectReason.protocolError);
    return undefined;
  }

  #openSftp(session: Session, channel: ServerChannel): SftpChannel {
    const { limits, log, memory } = this.#services;
    const host: ChannelHost = {
      session,
      limits,
      log,
      memory,
      openCounts: this.#openCounts,
      unsentBytes: () => this.#socket.writableLength,
      isExchangingKeys: () => this.#isExchangingKeys(),
      delivered: (bytes) => this.#delivered(bytes),
      active: () => this.#active(),
    };
    const sftp = new SftpChannel(channel, host);
    this.#channels.add(sftp);
    void sftp.done.then(() => this.#channels.delete(sftp));
    return sftp;
  }

  #active(): void {
    this.#lastActiveAtMs = performance.now();
  }

  #delivered(bytes: number): void {
    this.#active();
    this.#unreadInputBytes = Math.max(0, this.#unreadInputBytes - bytes - packetOverheadBytes);
  }

  /**
   * Holds back a client that does not read its replies, and gives up one that goes on sending behind a closed window,
   * which ssh2 lets it do.
   */
  #received(bytes: number): void {
    const { limits } = this.#services;
    if (this.#socket.writableLength > limits.sftpPendingReplyBytes && this.#socket.writableNeedDrain) {
      this.#socket.pause();
      this.#socket.once("drain", () => this.#socket.resume());
    }
    const isHeldBack = [...this.#channels].some((channel) => channel.isHeldBack);
    this.#unreadInputBytes = isHeldBack ? this.#unreadInputBytes + bytes : 0;
    if (this.#unreadInputBytes > limits.sftpUnreadInputBytes) {
      this.#endSession("protocol-error", disconnectReason.protocolError);
    }
  }

  #pumpChannels(): void {
    for (const channel of this.#channels) channel.pump();
  }

  /** Errors of the transport: a failed socket, a client that says it gives up, or one that breaks the protocol. */
  #failed({ level, code }: { level?: string; code?: unknown }): void {
    const isSocket = level === "client-socket" || level === "socket" || level === "client-timeout";
    const isFarewell = level === undefined && typeof code === "number";
    this.#cause ??= isSocket ? "lost-carrier" : isFarewell ? "user-request" : "protocol-error";
    this.#destroyAtMs ??= performance.now() + this.#services.limits.sftpLingerMs;
  }

  /** The socket's input has ended. ssh2 has ended its output already if the client said goodbye (RFC 4253 §11.1). */
  #noteDeparture(): void {
    const saidGoodbye = this.#socket.writableEnded || (this.#isAuthenticated && this.#channels.size === 0);
    this.#cause ??= saidGoodbye ? "user-request" : "lost-carrier";
  }

  #endSession(cause: TerminateCause, reason: DisconnectReason = disconnectReason.byApplication): void {
    this.#cause ??= cause;
    this.#disconnect(reason);
  }

  #disconnect(reason: DisconnectReason): void {
    if (this.#destroyAtMs !== undefined) return;
    this.#destroyAtMs = performance.now() + this.#services.limits.sftpLingerMs;
    if (!this.#client) {
      this.#socket.destroy();
      return;
    }
    sendDisconnect(this.#client, reason);
    this.#socket.end();
  }

  async #closed(): Promise<void> {
    const channels = [...this.#channels];
    for (const channel of channels) channel.stop();
    await this.#authenticator?.ended().catch((error: unknown) => {
      this.#services.log.error("refused login not recorded", { session: this.#session?.id, error: `${error}` });
    });
    // A file that the client has closed, although it did not wait for the answer, is delivered.
    await Promise.all(channels.map((channel) => channel.done));
    await this.#session?.end(this.#cause ?? "lost-carrier");
  }
}

/** scp in its old mode and ssh show what stands on standard error, then leave with the exit status. */
function declineProgram(channel: ServerChannel): void {
  channel.on("error", () => {});
  channel.resume();
  channel.stderr.write(sftpOnly);
  channel.exit(1);
  channel.end();
}
