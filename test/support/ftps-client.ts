import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";

export interface FtpsReply {
  readonly code: number;
  /** Without the code and the hyphen or space behind it; inner lines without the space in front. */
  readonly lines: readonly string[];
}

export interface FtpsClientOptions {
  /** Where the client comes from: any address of 127.0.0.0/8 is this machine. */
  readonly localAddress?: string;
  readonly implicit?: boolean;
  readonly tls?: ConnectionOptions;
}

/** A client that says exactly what a test wants said, byte by byte if need be. */
export class FtpsClient {
  readonly #options: FtpsClientOptions;
  readonly #replies: FtpsReply[] = [];
  readonly #waiting: { resolve: (reply: FtpsReply) => void; reject: (error: Error) => void }[] = [];
  #text = "";
  #lines: string[] = [];
  #hasClosed = false;
  socket: Socket;
  /** The latest TLS session that the server gave to the control connection. */
  tlsSession: Buffer | undefined;

  private constructor(socket: Socket, options: FtpsClientOptions) {
    this.#options = options;
    this.socket = socket;
  }

  /** Connects and reads the greeting. */
  static async connect(port: number, options: FtpsClientOptions = {}): Promise<FtpsClient> {
    const socket = connect({ host: "127.0.0.1", port, localAddress: options.localAddress });
    const client = new FtpsClient(socket, options);
    socket.on("error", () => {});
    await once(socket, "connect");
    if (options.implicit) await client.startTls();
    else client.#listen(socket);
    const greeting = await client.reply();
    if (greeting.code !== 220) throw new Error(`greeted with ${greeting.code} ${greeting.lines[0]}`);
    return client;
  }

  /** Connected, under TLS with protected data, and logged in as `tester`. */
  static async loggedIn(port: number, options: FtpsClientOptions = {}, username = "tester"): Promise<FtpsClient> {
    const client = await FtpsClient.connect(port, options);
    if (!options.implicit) await client.expect("AUTH TLS", 234);
    if (!options.implicit) await client.startTls();
    await client.expect(`USER ${username}`, 331);
    await client.expect("PASS password", 230);
    await client.expect("PBSZ 0", 200);
    await client.expect("PROT P", 200);
    return client;
  }

  /** The client's side of the handshake. */
  async startTls(): Promise<TLSSocket> {
    this.socket.removeAllListeners("data");
    const tls = connectTls({ rejectUnauthorized: false, ...this.#options.tls, socket: this.socket });
    tls.on("session", (session) => {
      this.tlsSession = session;
    });
    tls.on("error", () => {});
    const closed = once(tls, "close").then(() => Promise.reject(new Error("no TLS")));
    await Promise.race([once(tls, "secureConnect"), closed]);
    this.socket = tls;
    this.#listen(tls);
    return tls;
  }

  send(text: string | Buffer): void {
    this.socket.write(text);
  }

  /** The next reply. Rejects when the connection closes first. */
  reply(): Promise<FtpsReply> {
    const reply = this.#replies.shift();
    if (reply) return Promise.resolve(reply);
    if (this.#hasClosed) return Promise.reject(new Error("the control connection is closed"));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  command(line: string): Promise<FtpsReply> {
    this.send(`${line}\r\n`);
    return this.reply();
  }

  /** As `command`; rejects for any other code. Answers the first line. */
  async expect(line: string, code: number): Promise<string> {
    const reply = await this.command(line);
    return expectReply(reply, code, line);
  }

  async expectNext(code: number): Promise<string> {
    return expectReply(await this.reply(), code, "the last command");
  }

  /** The port of a new data connection. */
  async passive(): Promise<number> {
    const text = await this.expect("EPSV", 229);
    return Number(/\|\|\|(\d+)\|/.exec(text)?.[1]);
  }

  /** A data connection without TLS. */
  async connectData(localAddress = this.#options.localAddress): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port: await this.passive(), localAddress });
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** Begins the handshake on a data connection; resumes the control connection's session unless `tls` has another. */
  secureData(socket: Socket, tls: ConnectionOptions = {}): TLSSocket {
    const secured = connectTls({
      rejectUnauthorized: false,
      ...(this.tlsSession && { session: this.tlsSession }),
      ...this.#options.tls,
      ...tls,
      socket,
    });
    secured.on("error", () => {});
    return secured;
  }

  /** Starts a transfer; resolves with its protected data connection once 150 has come. */
  async startTransfer(line: string): Promise<TLSSocket> {
    const socket = await this.connectData();
    await this.expect(line, 150);
    const data = this.secureData(socket);
    // An end before the handshake would be one of TCP alone.
    await once(data, "secureConnect");
    return data;
  }

  /** Uploads in good order. Answers the final reply. */
  async upload(line: string, content: Buffer | string): Promise<FtpsReply> {
    const data = await this.startTransfer(line);
    data.end(content);
    data.resume();
    return this.reply();
  }

  /** Everything that a transfer sends. */
  async download(line: string): Promise<Buffer> {
    const data = await this.startTransfer(line);
    const chunks: Buffer[] = [];
    for await (const chunk of data) chunks.push(chunk as Buffer);
    await this.expectNext(226);
    return Buffer.concat(chunks);
  }

  /** Resolves when the server has closed the connection. */
  async closed(): Promise<void> {
    if (!this.#hasClosed) await once(this.socket, "close");
  }

  async quit(): Promise<void> {
    await this.expect("QUIT", 221);
    this.socket.end();
    await this.closed();
  }

  destroy(): void {
    this.socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on("data", (chunk: Buffer) => this.#read(chunk.toString()));
    socket.once("close", () => {
      this.#hasClosed = true;
      for (const { reject } of this.#waiting.splice(0)) reject(new Error("the control connection was closed"));
    });
  }

  #read(text: string): void {
    const lines = (this.#text + text).split("\r\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) this.#readLine(line);
  }

  #readLine(line: string): void {
    this.#lines.push(line);
    if (!/^\d{3} /.test(line)) return;
    const code = Number(line.slice(0, 3));
    const reply = { code, lines: this.#lines.map((part) => part.replace(/^(\d{3}[- ]| )/, "")) };
    this.#lines = [];
    const waiting = this.#waiting.shift();
    if (waiting) waiting.resolve(reply);
    else this.#replies.push(reply);
  }
}

/** Resolves when the socket is closed, in order or by a reset. */
export function closeOf(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function expectReply({ code, lines }: FtpsReply, expected: number, line: string): string {
  if (code !== expected) throw new Error(`${line} was answered ${code} ${lines.join(" / ")}, not ${expected}`);
  return lines[0] ?? "";
}
