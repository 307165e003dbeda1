import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteAlertOutbox } from "../../../adapters/local/sqlite-alert-outbox.ts";
import type { AccountingEvent } from "../../../core/accounting-event.ts";
import type { AlertRule } from "../../../core/alert-rule.ts";
import type { DispatchRule } from "../../../core/dispatch.ts";
import { compileSelection } from "../../../core/event-selection.ts";
import { parseEventTemplate } from "../../../core/event-template.ts";
import type { DeadLetter } from "../../../ports/dead-letters.ts";
import type { EmailMessage } from "../../../ports/mailer.ts";
import { createAlertHandler } from "../../../service/alerts/alert-handler.ts";
import { AlertSender } from "../../../service/alerts/alert-sender.ts";
import { type AlertPace, type AlertServices, standardPace } from "../../../service/alerts/alert-services.ts";
import type { EventHandler } from "../../../service/consume/event-consumer.ts";
import {
  createMemoryAccountingLog,
  createMemoryRuntime,
  type MemoryAccountingLog,
} from "../../support/memory-ports.ts";

export interface WebhookRequest {
  readonly url: string;
  readonly id: string;
  readonly body: string;
}

/** Called for every message before it counts as sent; what it throws is the mail server's or receiver's refusal. */
type Receive = (message: EmailMessage | WebhookRequest) => void;

/** A folder whose outbox several processes may use one after the other, and what reached the outside world. */
export class AlertRig implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "ferrygate-alerts-"));
  readonly accounting: MemoryAccountingLog = createMemoryAccountingLog();
  readonly letters = new Map<string, DeadLetter>();
  readonly emails: EmailMessage[] = [];
  readonly requests: WebhookRequest[] = [];
  rules: readonly AlertRule[] = [];
  dispatchRules: readonly DispatchRule[] = [];
  receive: Receive = () => {};
  nowMs = Date.parse("2026-11-22T12:00:00Z");
  #waiting: { isDone: () => boolean; resolve: () => void }[] = [];

  /** One life of the process. */
  async start(pace: Partial<AlertPace> = {}, changes: Partial<AlertServices> = {}): Promise<AlertProcess> {
    const services = await this.open(pace, changes);
    const { outbox } = services;
    const sender = new AlertSender(services);
    await sender.start();
    const stop = async () => {
      await sender.stop();
      await outbox.close();
    };
    return { handler: createAlertHandler(services, sender), outbox, stop };
  }

  /** What a process stands on. */
  async open(pace: Partial<AlertPace> = {}, changes: Partial<AlertServices> = {}): Promise<AlertServices> {
    const runtime = { ...createMemoryRuntime(), now: () => this.nowMs };
    const outbox = await openSqliteAlertOutbox({ file: join(this.folder, "alerts.sqlite"), now: runtime.now });
    return {
      rules: () => this.rules,
      dispatchRules: () => this.dispatchRules,
      mail: () => ({ mailer: { send: this.#sendEmail, close: () => {} }, from: "ferrygate@example.com" }),
      webhooks: { send: this.#sendWebhook },
      outbox,
      deadLetters: this.#deadLetters,
      accounting: { append: (event) => this.#append(event) },
      runtime,
      serverName: "test",
      // Tests wait for what happens, never for the pause before it.
      pace: { ...standardPace, firstRetryMs: 1, longestRetryMs: 2, ...pace },
      ...changes,
    };
  }

  /** Resolves when the condition holds; it is looked at whenever something was sent or recorded. */
  async until(isDone: () => boolean): Promise<void> {
    if (!isDone()) await new Promise<void>((resolve) => this.#waiting.push({ isDone, resolve }));
  }

  recorded(type: string): readonly AccountingEvent[] {
    return this.accounting.events.filter((event) => event.type === type);
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  readonly #deadLetters: AlertServices["deadLetters"] = {
    put: async (letter) => void this.letters.set(letter.id, letter),
    find: async (id) => this.letters.get(id),
    list: async () => ({ letters: [...this.letters.values()], next: undefined }),
    remove: async (id) => void this.letters.delete(id),
  };

  readonly #sendEmail = async (message: EmailMessage) => {
    this.receive(message);
    this.emails.push(message);
    this.#notice();
    return { refused: [] };
  };

  readonly #sendWebhook: AlertServices["webhooks"]["send"] = async ({ url }, message) => {
    this.receive({ url, ...message });
    this.requests.push({ url, ...message });
    this.#notice();
  };

  async #append(event: AccountingEvent): Promise<void> {
    await this.accounting.append(event);
    this.#notice();
  }

  #notice(): void {
    for (const { isDone, resolve } of this.#waiting) if (isDone()) resolve();
  }
}

export interface AlertProcess {
  readonly handler: EventHandler;
  readonly outbox: AlertServices["outbox"];
  stop(): Promise<void>;
}

export function emailRule(changes: Partial<AlertRule> = {}): AlertRule {
  return {
    name: "refused-logins",
    enabled: true,
    when: compileSelection({ types: ["authentication.failed"] }),
    email: {
      to: ["ops@example.com"],
      cc: [],
      bcc: [],
      subject: parseEventTemplate("login refused for {account.name}"),
      readable: false,
    },
    webhook: undefined,
    ...changes,
  };
}

export function webhookRule(changes: Partial<AlertRule> = {}): AlertRule {
  const webhook = { url: "https://hooks.example.com/secret-path", secret: undefined, allowPrivate: false };
  return { ...emailRule(), name: "hook", email: undefined, webhook, ...changes };
}

let count = 0;

export function refusedLogin(changes: Partial<AccountingEvent> = {}): AccountingEvent {
  count += 1;
  return {
    id: `event-${count}`,
    type: "authentication.failed",
    time: new Date(Date.parse("2026-11-22T12:00:00Z") + count).toISOString(),
    server: "test",
    account: { name: "acme", groups: [] },
    protocol: "sftp",
    peer: { address: "203.0.113.9", port: 50_123 },
    message: "login of acme refused: wrong-password",
    data: { username: "acme", method: "password", reason: "wrong-password" },
    ...changes,
  };
}
