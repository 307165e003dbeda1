import type { ServerChannel } from "ssh2";
import type { Session } from "../../service/session/session.ts";
import { answer } from "./answer.ts";
import { HandleTable, type OpenCounts } from "./handles.ts";
import type { SftpLog } from "./log.ts";
import type { PacketMemory } from "./packet-memory.ts";
import { PacketReader } from "./packet-reader.ts";
import { versionReply } from "./replies.ts";
import { claimsOf } from "./request-claims.ts";
import type { RequestContext, SftpLimits } from "./request-context.ts";
import { type Claim, RequestOrder } from "./request-order.ts";
import { parseInit, parseRequest, type Request } from "./requests.ts";
import { announcedExtensions } from "./store-requests.ts";
import { WireError } from "./wire.ts";

/** Replies below this size travel together; above it they are not copied once more. */
const smallReplyBytes = 8 * 1024;

/** What a channel needs of the connection that it belongs to. */
export interface ChannelHost {
  readonly session: Session;
  readonly limits: SftpLimits;
  readonly log: SftpLog;
  readonly openCounts: OpenCounts;
  readonly memory: PacketMemory;
  /** Bytes on their way to the client that this channel cannot see. */
  unsentBytes(): number;
  /** True while replies would only pile up. */
  isExchangingKeys(): boolean;
  /** `bytes` arrived on the channel. */
  delivered(bytes: number): void;
  /** Something was done for the client. */
  active(): void;
}

/** A request that was taken in, and what it holds until its reply is there. */
interface Admitted {
  readonly request: Request;
  readonly claims: readonly Claim[];
  readonly message: Buffer;
  /** Reserved for the reply, so that many READs at once cannot make more replies than may wait. */
  readonly replyBytes: number;
  /** Set when the request was carried out; it is sent in its turn. */
  reply: Buffer | undefined;
}

/**
 * One SFTP session on one SSH channel. Nothing is taken in while too much is under way or waits for the client to
 * read it; then the channel is not read either, so that its window closes and the client has to wait. What this
 * holds is therefore bounded whatever the client, or the store, does.
 */
export class SftpChannel {
  /** Resolves when everything that was open has ended and the channel has been closed. */
  readonly done: Promise<void>;
  readonly #channel: ServerChannel;
  readonly #host: ChannelHost;
  readonly #reader: PacketReader;
  readonly #order = new RequestOrder();
  readonly #context: RequestContext;
  readonly #handles: HandleTable;
  readonly #finished: () => void;
  #versionSent = false;
  #pendingRequests = 0;
  #pendingRequestBytes = 0;
  #reservedReplyBytes = 0;
  /** Requests on each handle whose replies were not sent, oldest first. */
  readonly #unanswered = new Map<string, Admitted[]>();
  #outbox: Buffer[] = [];
  #outboxBytes = 0;
  #isFlushScheduled = false;
  /** The client has said that it sends no more. */
  #isInputEnded = false;
  /** Nothing is taken in any more; the channel closes when what is under way is done. */
  #exitStatus: number | undefined;
  #isFinishing = false;

  constructor(channel: ServerChannel, host: ChannelHost) {
    this.#channel = channel;
    this.#host = host;
    this.#reader = new PacketReader(host.limits.sftpPacketBytes, host.memory);
    this.#handles = new HandleTable(host.openCounts, {
      files: host.limits.handlesPerSession,
      directories: host.limits.sftpOpenDirectories,
    });
    this.#context = { session: host.session, handles: this.#handles, limits: host.limits, memory: host.memory };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.done = promise;
    this.#finished = resolve;
    channel.on("data", (chunk: Buffer) => this.#receive(chunk));
    channel.on("end", () => this.#inputEnded());
    // A client that goes away in the middle of a reply is no failure of this server.
    channel.on("error", () => this.stop());
  }

  /** Requests are being carried out. */
  get isWorking(): boolean {
    return this.#pendingRequests > 0;
  }

  /** Nothing is open and nothing is being carried out. */
  get isQuiet(): boolean {
    return this.#pendingRequests === 0 && this.#handles.size === 0;
  }

  /** The client's data is left in the channel. */
  get isHeldBack(): boolean {
    return this.#channel.isPaused();
  }

  /** All bytes that this channel keeps in memory for its client. */
  get heldBytes(): number {
    const input = this.#channel.readableLength + this.#reader.heldBytes + this.#pendingRequestBytes;
    return input + this.#reservedReplyBytes + this.#outboxBytes + this.#channel.writableLength;
  }

  /** Takes in what there is room for; to be called whenever room may have come to be. */
  pump(): void {
    if (this.#exitStatus !== undefined) {
      this.#finishWhenQuiet();
      return;
    }
    const isEmpty = this.#takeIn();
    if (isEmpty && this.#isInputEnded) this.#exitStatus ??= 0;
    this.#finishWhenQuiet();
    if (this.#hasRoom()) this.#channel.resume();
    else this.#channel.pause();
  }

  /** The client is gone, or has closed the channel: requests under way are carried out, no more are taken in. */
  stop(): void {
    this.#exitStatus ??= 1;
    // What is left in the channel is thrown away, because ssh2 reports the end only behind it.
    this.#channel.resume();
    this.#finishWhenQuiet();
  }

  #receive(chunk: Buffer): void {
    this.#host.delivered(chunk.length);
    if (this.#exitStatus !== undefined) return;
    this.#reader.push(chunk);
    this.pump();
  }

  #inputEnded(): void {
    this.#isInputEnded = true;
    this.pump();
  }

  /** True when no whole message is left. */
  #takeIn(): boolean {
    try {
      while (this.#hasRoom()) {
        const message = this.#reader.next();
        if (!message) return true;
        this.#admit(message);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#host.log.warn("sftp channel ended", { session: this.#host.session.id, reason: error.message });
      this.#exitStatus = 1;
    }
    return false;
  }

  #hasRoom(): boolean {
    const { limits } = this.#host;
    const replyBytes = this.#reservedReplyBytes + this.#outboxBytes + this.#channel.writableLength;
    return (
      this.#exitStatus === undefined &&
      this.#pendingRequests < limits.sftpPendingRequests &&
      this.#pendingRequestBytes < limits.sftpPendingRequestBytes &&
      replyBytes + this.#host.unsentBytes() < limits.sftpPendingReplyBytes &&
      !this.#host.isExchangingKeys()
    );
  }

  #admit(message: Buffer): void {
    if (!this.#versionSent) {
      parseInit(message);
      this.#versionSent = true;
      this.#send(versionReply(announcedExtensions));
      return;
    }
    const request = parseRequest(message);
    const claims = claimsOf(request, this.#handles);
    const replyBytes = this.#expectedReplyBytes(request);
    const admitted: Admitted = { request, claims, message, replyBytes, reply: undefined };
    this.#pendingRequests += 1;
    this.#pendingRequestBytes += message.length;
    this.#reservedReplyBytes += admitted.replyBytes;
    if ("handle" in request) this.#onHandle(request.handle).push(admitted);
    this.#order.enter(claims, () => void this.#carryOut(admitted));
  }

  #expectedReplyBytes(request: Request): number {
    const { limits } = this.#host;
    if (request.kind === "read") return Math.min(request.length, limits.sftpReadBytes);
    return request.kind === "readdir" ? limits.sftpNameReplyBytes : 0;
  }

  async #carryOut(admitted: Admitted): Promise<void> {
    const { log, session } = this.#host;
    const { request, claims, message } = admitted;
    admitted.reply = await answer(request, this.#context, (error) =>
      log.error("sftp request failed", { session: session.id, request: request.kind, error: stackOf(error) }),
    );
    this.#host.memory.release(message);
    this.#order.leave(claims);
    if ("handle" in request) this.#replyInOrder(request.handle);
    else this.#reply(admitted);
    this.#host.active();
    this.pump();
  }

  #onHandle(handle: string): Admitted[] {
    const known = this.#unanswered.get(handle);
    if (known) return known;
    const requests: Admitted[] = [];
    this.#unanswered.set(handle, requests);
    return requests;
  }

  /**
   * Requests on one handle overlap and their replies keep the order of arrival: scp of OpenSSH 9.2 cuts a download off
   * at the first reply that comes out of turn.
   */
  #replyInOrder(handle: string): void {
    const requests = this.#onHandle(handle);
    const answered = requests.findIndex(({ reply }) => reply === undefined);
    for (const admitted of requests.splice(0, answered < 0 ? requests.length : answered)) this.#reply(admitted);
    if (requests.length === 0) this.#unanswered.delete(handle);
  }

  #reply({ reply, message, replyBytes }: Admitted): void {
    this.#pendingRequests -= 1;
    this.#pendingRequestBytes -= message.length;
    this.#reservedReplyBytes -= replyBytes;
    if (reply) this.#send(reply);
  }

  #send(packet: Buffer): void {
    this.#outbox.push(packet);
    this.#outboxBytes += packet.length;
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushScheduled = false;
    const chunks = coalesced(this.#outbox);
    this.#outbox = [];
    this.#outboxBytes = 0;
    if (this.#channel.writableEnded || this.#channel.destroyed) return;
    for (const chunk of chunks) this.#channel.write(chunk, () => this.#flushed(chunk));
  }

  #flushed(chunk: Buffer): void {
    this.#host.memory.release(chunk);
    this.#host.active();
    this.pump();
  }

  #finishWhenQuiet(): void {
    if (this.#exitStatus === undefined || this.#pendingRequests > 0 || this.#isFinishing) return;
    this.#isFinishing = true;
    void this.#finish(this.#exitStatus);
  }

  /** What was not closed is not complete. Without the exit status and the close OpenSSH's client waits for ever. */
  async #finish(exitStatus: number): Promise<void> {
    const failures = await this.#handles.interruptAll("the channel ended before the file was closed");
    for (const error of failures) {
      this.#host.log.error("transfer end not recorded", { session: this.#host.session.id, error: stackOf(error) });
    }
    this.#flush();
    if (!this.#channel.writableEnded) {
      this.#channel.exit(exitStatus);
      this.#channel.end();
    }
    this.#finished();
  }
}

/** One piece for each run of small replies, in order. */
function coalesced(packets: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  let run: Buffer[] = [];
  const endRun = () => {
    if (run.length > 0) pieces.push(run.length === 1 && run[0] ? run[0] : Buffer.concat(run));
    run = [];
  };
  for (const packet of packets) {
    if (packet.length < smallReplyBytes) {
      run.push(packet);
      continue;
    }
    endRun();
    pieces.push(packet);
  }
  endRun();
  return pieces;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
