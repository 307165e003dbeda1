import type { TLSSocket } from "node:tls";
import { FileError } from "../../core/errors.ts";
import { parseVirtualPath, rootPath, type VirtualPath } from "../../core/virtual-path.ts";
import type { Session } from "../../service/session/session.ts";
import type { TransferType } from "./command-arguments.ts";
import type { ControlConnection } from "./control-connection.ts";
import { DataPort } from "./data-connection.ts";
import type { HashAlgorithm } from "./hash-algorithms.ts";
import { type FactName, factNames } from "./listing-format.ts";
import { networkProtocolOf } from "./network-address.ts";
import type { PassivePorts } from "./passive-ports.ts";
import { Refusal } from "./replies.ts";
import type { Transfer, TransferData } from "./transfer.ts";

/** What one listener asks of its clients. */
export interface ListenerPolicy {
  /** Log in without TLS. */
  readonly plain: boolean;
  /** `PROT C` on a connection with TLS. */
  readonly allowClearData: boolean;
}

/** Where the data connections of a listener come in. */
export interface PassiveEndpoint {
  readonly ports: PassivePorts;
  /** What PASV answers; undefined means the address that the client connected to. */
  readonly address: string | undefined;
}

/** What the commands of one client read and change. */
export class ClientState {
  readonly session: Session;
  readonly control: ControlConnection;
  readonly policy: ListenerPolicy;
  readonly passive: PassiveEndpoint;

  username: string | undefined;
  failedLogins = 0;
  workingDirectory: VirtualPath = rootPath;
  transferType: TransferType = "ascii";
  facts: readonly FactName[] = factNames;
  hashAlgorithm: HashAlgorithm = "SHA-256";
  renameFrom: VirtualPath | undefined;
  restartOffset = 0;
  bufferSizeAgreed: boolean;
  protection: "clear" | "private";
  extendedPassiveOnly = false;
  transfer: Transfer | undefined;
  /** Resolves when the final reply to the latest transfer has been sent. */
  transferFinished: Promise<void> = Promise.resolve();
  #dataPort: DataPort | undefined;

  constructor(session: Session, control: ControlConnection, policy: ListenerPolicy, passive: PassiveEndpoint) {
    this.session = session;
    this.control = control;
    this.policy = policy;
    this.passive = passive;
    // Implicit FTPS knows no clear data connections until PROT C asks for them.
    this.protection = control.isImplicit ? "private" : "clear";
    this.bufferSizeAgreed = control.isImplicit;
  }

  get isLoggedIn(): boolean {
    return this.session.account !== undefined;
  }

  get tls(): TLSSocket | undefined {
    return this.control.tls;
  }

  /** True when commands may go on without TLS, or there is TLS. */
  get isProtected(): boolean {
    return this.policy.plain || this.tls !== undefined;
  }

  /** @throws FileError `invalid-path`. */
  resolve(path: string | undefined): VirtualPath {
    return parseVirtualPath(path ?? "", this.workingDirectory);
  }

  /** Takes a port for the next transfer; the one before is given back. @throws Refusal 425. */
  async openDataPort(): Promise<DataPort> {
    this.closeDataPort();
    const port = await this.passive.ports.acquire(this.session.peer.address);
    if (!port) throw new Refusal(425, "No port is free for a data connection; try again.");
    const protection = () => this.control.dataProtection(this.protection);
    this.#dataPort = new DataPort(port, this.control.limits, protection);
    return this.#dataPort;
  }

  closeDataPort(): void {
    this.#dataPort?.release();
    this.#dataPort = undefined;
  }

  /** The port for a transfer that starts. @throws Refusal 425, 521. */
  takeDataPort(): TransferData {
    const port = this.#dataPort;
    if (!port) throw new Refusal(425, "Send PASV or EPSV first.");
    if (this.tls && this.protection === "clear" && !this.policy.allowClearData && !this.policy.plain) {
      throw new Refusal(521, "Data connections need TLS: send PBSZ 0 and PROT P first.");
    }
    this.#dataPort = undefined;
    return { port, limits: this.control.limits };
  }

  takeRestartOffset(): number {
    const offset = this.restartOffset;
    this.restartOffset = 0;
    return offset;
  }

  /** What `PASV` can answer; undefined where the client came over IPv6. */
  get passiveAddress(): string | undefined {
    const address = this.passive.address ?? this.control.localAddress;
    return networkProtocolOf(address) === 1 ? address : undefined;
  }

  /** @throws FileError `not-a-directory`, and what looking at the path throws. */
  async changeDirectory(path: VirtualPath): Promise<void> {
    const entry = await this.session.stat(path);
    if (entry.type !== "directory") throw new FileError("not-a-directory", `${path} is not a folder`);
    this.workingDirectory = path;
  }
}
