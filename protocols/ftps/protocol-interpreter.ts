import type { Socket } from "node:net";
import type { TerminateCause } from "../../core/accounting-event.ts";
import { limits } from "../../core/limits.ts";
import type { Admission } from "../../service/session/admission.ts";
import type { OpenSession } from "../../service/session/open-session.ts";
import { ClientState, type ListenerPolicy, type PassiveEndpoint } from "./client-state.ts";
import { type Command, parseCommand } from "./command-arguments.ts";
import type { CommandLine } from "./command-lines.ts";
import { type CommandSpec, commandTable, unsupportedCommands } from "./commands.ts";
import { ControlConnection, type ControlSettings } from "./control-connection.ts";
import { InactivityTimer } from "./inactivity-timer.ts";
import { internalError, Refusal, type Reply, replyToError } from "./replies.ts";
import { Transfer } from "./transfer.ts";

/** The operator's log. */
export interface FtpsLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export interface InterpreterSettings {
  readonly openSession: OpenSession;
  readonly log: FtpsLog;
  readonly policy: ListenerPolicy;
  readonly passive: PassiveEndpoint;
  readonly control: ControlSettings;
}

const serviceClosing: Reply = { code: 421, text: "The server is stopping." };

/** Where TLS is not yet, or a login is missing, the reason stands before the command is looked at any closer. */
function assertAllowed(spec: CommandSpec, client: ClientState): void {
  if (spec.needsTls && !client.isProtected) throw new Refusal(530, "TLS is required: send AUTH TLS first.");
  if (spec.needsLogin && !client.isLoggedIn) throw new Refusal(530, "Log in with USER and PASS first.");
}

/** Serves one client: reads its commands in order, answers each, and runs one transfer beside them (RFC 959 §2.3). */
export class ProtocolInterpreter {
  readonly #settings: InterpreterSettings;
  readonly #control: ControlConnection;
  readonly #admission: Admission;
  readonly #idleTimer: InactivityTimer;
  readonly #loginTimer: InactivityTimer;
  readonly #closed = Promise.withResolvers<void>();
  #client: ClientState | undefined;
  #heldLine: CommandLine | undefined;
  #isRunning = false;
  #isDraining = false;
  #sessionEnd: Promise<void> = Promise.resolve();

  constructor(socket: Socket, settings: InterpreterSettings, admission: Admission) {
    this.#settings = settings;
    this.#admission = admission;
    this.#control = new ControlConnection(socket, settings.control, {
      received: () => void this.#run(),
      ended: (cause) => this.#release(cause),
      closed: () => this.#settle(),
    });
    const { idleMs, authenticationMs } = settings.control.limits;
    this.#idleTimer = new InactivityTimer(idleMs, () => this.#expire("No command for too long."));
    this.#loginTimer = new InactivityTimer(authenticationMs, () => this.#expire("No login for too long."));
  }

  /** Resolves when the connection is closed and the end of the session is on record. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  async start(): Promise<void> {
    if (this.#control.isImplicit) await this.#control.startTls();
    await this.#control.send({ code: 220, text: "Ferrygate FTPS is ready." });
  }

  /** Takes no more commands; closes as soon as no transfer is under way. */
  drain(): void {
    this.#isDraining = true;
    this.#endWhenDrained();
  }

  /** Closes at once; a transfer under way is aborted. */
  close(): void {
    this.#control.end("admin-reboot", serviceClosing);
    this.#control.destroy("admin-reboot");
  }

  /** Closes at once, for another client that waits to log in. */
  evict(): void {
    this.#control.end("admin-reset", { code: 421, text: "Too many connections have not logged in." });
    this.#control.destroy("admin-reset");
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let line = this.#nextLine(); line; line = this.#nextLine()) {
      this.#idleTimer.touch();
      const reply = await this.#answer(line);
      if (reply) await this.#control.send(reply);
    }
    this.#isRunning = false;
    this.#endWhenDrained();
  }

  #endWhenDrained(): void {
    if (!this.#isDraining || this.#isRunning || this.#client?.transfer) return;
    this.#control.end("admin-reboot", serviceClosing);
  }

  /** A transfer has a time limit of its own. */
  #expire(text: string): void {
    if (this.#client?.transfer) this.#idleTimer.touch();
    else this.#control.end("idle-timeout", { code: 421, text });
  }

  /** The next line that may be acted on: during a transfer most have to wait, and so do all behind them. */
  #nextLine(): CommandLine | undefined {
    if (this.#control.hasEnded || this.#isDraining) return undefined;
    this.#heldLine ??= this.#control.nextLine();
    const line = this.#heldLine;
    if (line && this.#client?.transfer && !isUsableDuringTransfer(line)) return undefined;
    this.#heldLine = undefined;
    return line;
  }

  async #answer(line: CommandLine): Promise<Reply | undefined> {
    try {
      if ("problem" in line) throw refusalOf(line.problem);
      const command = parseCommand(line.text);
      const spec = specOf(command);
      const client = this.#openClient();
      assertAllowed(spec, client);
      const result = await spec.run(client, command.argument);
      if (client.isLoggedIn) this.#noteLogin();
      if (!(result instanceof Transfer)) return result;
      await this.#startTransfer(client, result);
      return undefined;
    } catch (error) {
      return this.#explain(error);
    }
  }

  /** The session starts with the first command, so that a probe that only connects leaves no trace. */
  #openClient(): ClientState {
    if (this.#client) return this.#client;
    const { openSession, policy, passive } = this.#settings;
    const session = openSession({
      protocol: "ftps",
      peer: this.#control.peer,
      disconnect: (reason) => this.#control.end("admin-reset", { code: 421, text: `Goodbye: ${reason}.` }),
    });
    this.#client = new ClientState(session, this.#control, policy, passive);
    return this.#client;
  }

  #noteLogin(): void {
    this.#loginTimer.stop();
    this.#admission.authenticated();
  }

  async #startTransfer(client: ClientState, transfer: Transfer): Promise<void> {
    client.transfer = transfer;
    await this.#control.send({ code: 150, text: transfer.plan.announcement });
    if (this.#control.hasEnded) transfer.abort(sessionEnded());
    client.transferFinished = this.#runTransfer(client, transfer);
    client.transferFinished.then(() => this.#run()).catch((error: unknown) => this.#explain(error));
  }

  async #runTransfer(client: ClientState, transfer: Transfer): Promise<void> {
    const reply = await transfer.run((error) => this.#explain(error));
    await this.#control.send(reply);
    client.transfer = undefined;
    this.#idleTimer.touch();
  }

  #explain(error: unknown): Reply {
    const reply = replyToError(error);
    if (reply) return reply;
    this.#settings.log.error("FTPS command failed", { session: this.#client?.session.id, error: `${error}` });
    return internalError;
  }

  #release(cause: TerminateCause): void {
    this.#idleTimer.stop();
    this.#loginTimer.stop();
    if (!this.#client) return;
    this.#sessionEnd = this.#client.session.end(cause);
    this.#client.transfer?.abort(sessionEnded());
    this.#client.closeDataPort();
  }

  #settle(): void {
    this.#admission.release();
    this.#sessionEnd.then(this.#closed.resolve, this.#closed.resolve);
  }
}

function sessionEnded(): Refusal {
  return new Refusal(426, "The session ended; the transfer is aborted.");
}

function specOf({ verb }: Command): CommandSpec {
  const spec = commandTable.get(verb);
  if (spec) return spec;
  throw unsupportedCommands.has(verb)
    ? new Refusal(502, `${verb} is not supported.`)
    : new Refusal(500, `There is no command ${verb}.`);
}

function isUsableDuringTransfer(line: CommandLine): boolean {
  if ("problem" in line) return false;
  const [verb = ""] = line.text.split(" ");
  return commandTable.get(verb.toUpperCase())?.usableDuringTransfer === true;
}

function refusalOf(problem: "too-long" | "not-utf8"): Refusal {
  return problem === "too-long"
    ? new Refusal(500, `A command line has at most ${limits.ftpsCommandLineBytes} bytes.`)
    : new Refusal(501, "The command is not UTF-8 text.");
}
