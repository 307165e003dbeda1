import type { Client, ClientChannel } from "ssh2";
import { PacketMemory } from "../../../protocols/sftp/packet-memory.ts";
import { PacketReader } from "../../../protocols/sftp/packet-reader.ts";
import { packetType } from "../../../protocols/sftp/requests.ts";
import { WireReader, WireWriter } from "../../../protocols/sftp/wire.ts";

export const replyType = {
  version: 2,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attrs: 105,
  extended: 201,
} as const;

export interface Reply {
  readonly type: number;
  readonly id: number;
  /** What follows the id. */
  readonly body: WireReader;
}

/** A request with its length field; `write` writes what follows the id. */
export function encodeRequest(type: number, id: number, write: (writer: WireWriter) => void = () => {}): Buffer {
  const writer = new WireWriter().uint32(0).byte(type).uint32(id);
  write(writer);
  return writer.patchUint32(0, writer.length - 4).finish();
}

/** Speaks SFTP as plainly as possible: any request, any number at once, without waiting for anything. */
export class RawSftp {
  readonly client: Client;
  readonly channel: ClientChannel;
  extensions: Readonly<Record<string, string>> = {};
  readonly #reader = new PacketReader(2 ** 20, new PacketMemory(0));
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #nextId = 1;

  constructor(client: Client, channel: ClientChannel) {
    this.client = client;
    this.channel = channel;
    channel.on("data", (chunk: Buffer) => this.#receive(chunk));
  }

  /** Opens the subsystem and agrees on the version. */
  static async open(client: Client): Promise<RawSftp> {
    const sftp = await RawSftp.openSilently(client);
    const version = sftp.#reply(3);
    sftp.write(new WireWriter().uint32(5).byte(packetType.init).uint32(3).finish());
    const { body } = await version;
    const extensions: Record<string, string> = {};
    while (body.remaining > 0) extensions[body.latin1()] = body.latin1();
    sftp.extensions = extensions;
    return sftp;
  }

  /** Opens the subsystem and says nothing. */
  static openSilently(client: Client): Promise<RawSftp> {
    return new Promise((resolve, reject) => {
      client.subsys("sftp", (error, channel) => (error ? reject(error) : resolve(new RawSftp(client, channel))));
    });
  }

  write(bytes: Buffer): void {
    this.channel.write(bytes);
  }

  request(type: number, write?: (writer: WireWriter) => void): Promise<Reply> {
    const id = this.#nextId++;
    const reply = this.#reply(id);
    this.write(encodeRequest(type, id, write));
    return reply;
  }

  extended(name: string, write: (writer: WireWriter) => void = () => {}): Promise<Reply> {
    return this.request(packetType.extended, (writer) => write(writer.string(name)));
  }

  onPath(type: number, path: string | Uint8Array): Promise<Reply> {
    return this.request(type, (writer) => writer.string(path));
  }

  open(
    path: string,
    flags: number,
    write: (writer: WireWriter) => void = (writer) => writer.uint32(0),
  ): Promise<Reply> {
    return this.request(packetType.open, (writer) => write(writer.string(path).uint32(flags)));
  }

  async openHandle(path: string, flags: number): Promise<string> {
    return handleOf(await this.open(path, flags));
  }

  writeAt(handle: string, offset: number, data: Uint8Array): Promise<Reply> {
    return this.request(packetType.write, (writer) => writer.string(handle).uint64(offset).string(data));
  }

  readAt(handle: string, offset: number, length: number): Promise<Reply> {
    return this.request(packetType.read, (writer) => writer.string(handle).uint64(offset).uint32(length));
  }

  close(handle: string): Promise<Reply> {
    return this.onPath(packetType.close, handle);
  }

  /** Resolves when the server has closed the channel, with the exit status that it gave. */
  closed(): Promise<number | undefined> {
    return new Promise((resolve) => {
      let status: number | undefined;
      this.channel.once("exit", (code: number) => {
        status = code;
      });
      this.channel.once("close", () => resolve(status));
    });
  }

  #reply(id: number): Promise<Reply> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    for (let message = this.#reader.next(); message; message = this.#reader.next()) {
      const body = new WireReader(message);
      const reply = { type: body.byte(), id: body.uint32(), body };
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    }
  }
}

export function handleOf({ type, body }: Reply): string {
  if (type !== replyType.handle) throw new Error(`no handle but ${statusText({ type, id: 0, body })}`);
  return body.latin1();
}

/** The code and the sentence of a STATUS reply. */
export function statusOf({ type, body }: Reply): { code: number; message: string } {
  if (type !== replyType.status) throw new Error(`a reply of type ${type} is no status`);
  return { code: body.uint32(), message: body.utf8() ?? "" };
}

function statusText(reply: Reply): string {
  return reply.type === replyType.status ? statusOf(reply).message : `a reply of type ${reply.type}`;
}
