import type { AlertLane, AlertRule, EmailTarget, WebhookTarget } from "../../core/alert-rule.ts";
import { asciiJson } from "../../core/ascii-json.ts";
import { DeliveryError } from "../../core/delivery.ts";
import { noticeRule } from "../../core/dispatch-notice.ts";
import { limits } from "../../core/limits.ts";
import type { PendingDeliveries, PlacedDelivery } from "../../ports/alert-outbox.ts";
import { retryDelayMs } from "../consume/retry.ts";
import { digestEmail, eventEmail } from "./alert-email.ts";
import { buryAlert, recordAlert } from "./alert-record.ts";
import type { AlertServices } from "./alert-services.ts";

interface Receipt {
  readonly refused: readonly string[];
}

/** A message, and what of the lane it stands for: everything up to `position`. */
interface Parcel {
  /** The same for the same content. */
  readonly id: string;
  readonly rule: AlertRule;
  readonly deliveries: readonly [PlacedDelivery, ...PlacedDelivery[]];
  readonly count: number;
  readonly position: number;
  readonly send: () => Promise<Receipt>;
}

/** What a lane remembers from one message to the next: plain JSON. */
export interface LaneState {
  /** When e-mails left within the last period. */
  readonly sentAtMs: readonly number[];
  /** The rule had used up its e-mails: what has gathered meanwhile goes into one. */
  readonly isThrottled: boolean;
  /** A parcel that has left, though that is not on record yet. */
  readonly sent?: { readonly parcelId: string; readonly receipt: Receipt } | undefined;
  /** How often in a row the head of the lane could not be sent. */
  readonly failures: number;
}

const newLane: LaneState = { sentAtMs: [], isThrottled: false, failures: 0 };

/** Sends what waits in one lane, in its order, and repeats what fails. */
export class LaneSender {
  readonly #services: AlertServices;
  readonly #lane: AlertLane;
  #state: LaneState;
  #hasNews = false;
  #isStopping = false;
  #running: Promise<void> | undefined;
  #endPause: () => void = () => {};

  constructor(services: AlertServices, lane: AlertLane, state: LaneState = newLane) {
    this.#services = services;
    this.#lane = lane;
    this.#state = state;
  }

  get state(): LaneState {
    return this.#state;
  }

  wake(): void {
    this.#hasNews = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing is being sent any more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#endPause();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      this.#hasNews = false;
      const delayMs = await this.step();
      if (delayMs !== undefined) await this.#pause(delayMs);
      else if (!this.#hasNews) break;
    }
    this.#running = undefined;
  }

  /** Deals with the head of the lane. Answers how long to wait before the next step; undefined when nothing waits. */
  async step(): Promise<number | undefined> {
    const { outbox, runtime } = this.#services;
    try {
      const shown = this.#lane.target === "email" ? limits.alertDigestEvents : 1;
      const pending = await outbox.pending(this.#lane, shown);
      const [head] = pending.first;
      if (!head) return undefined;
      const delayMs = await this.#deal(this.#rule(), head, pending);
      this.#change({ failures: 0 });
      return delayMs;
    } catch (error) {
      this.#change({ failures: this.#state.failures + 1 });
      runtime.log.warn("an alert could not be sent", { ...this.#lane, failures: this.#state.failures, error });
      return this.#retryDelayMs(error);
    }
  }

  /** The rule in force whose lane this is. */
  #rule(): AlertRule | undefined {
    const { rules, dispatchRules } = this.#services;
    const alert = rules().find(({ name, enabled }) => enabled && name === this.#lane.rule);
    return alert ?? noticeRule(dispatchRules(), this.#lane);
  }

  async #deal(rule: AlertRule | undefined, head: PlacedDelivery, pending: PendingDeliveries): Promise<number> {
    const { email, webhook } = rule ?? {};
    if (rule && email && this.#lane.target === "email") {
      const waitMs = this.#allowanceMs();
      if (waitMs > 0) this.#change({ isThrottled: true });
      if (waitMs === 0) await this.#deliver(this.#emailParcel({ ...rule, email }, head, pending));
      return waitMs;
    }
    if (rule && webhook && this.#lane.target === "webhook") {
      await this.#deliver(this.#webhookParcel(rule, webhook, head));
      return 0;
    }
    const { runtime, outbox } = this.#services;
    runtime.log.warn("alerts of a rule that is out of force are dropped", { ...this.#lane, count: pending.count });
    await outbox.settle(this.#lane, pending.last?.position ?? head.position);
    return 0;
  }

  /** How long until the rule may cause another e-mail. */
  #allowanceMs(): number {
    const { pace, runtime } = this.#services;
    const nowMs = runtime.now();
    // A clock that was set back must not stop the alerts.
    const recent = this.#state.sentAtMs.filter((sentAtMs) => Math.abs(nowMs - sentAtMs) < pace.periodMs);
    this.#change({ sentAtMs: recent });
    const [oldest = nowMs] = recent;
    return recent.length < pace.emails ? 0 : Math.max(1, oldest + pace.periodMs - nowMs);
  }

  #emailParcel(rule: AlertRule & { email: EmailTarget }, head: PlacedDelivery, pending: PendingDeliveries): Parcel {
    const isDigest = this.#state.isThrottled && pending.count > 1;
    const id = isDigest ? `${head.id}-${pending.count}` : head.id;
    const send = async () => {
      const mail = this.#services.mail();
      if (!mail) throw new DeliveryError("no mail server is configured", { retriable: true });
      const context = { rule, from: mail.from, id };
      return mail.mailer.send(isDigest ? digestEmail(context, pending) : eventEmail(context, head.event));
    };
    if (!isDigest) return { id, rule, deliveries: [head], count: 1, position: head.position, send };
    const position = pending.last?.position ?? head.position;
    return { id, rule, deliveries: [head, ...pending.first.slice(1)], count: pending.count, position, send };
  }

  #webhookParcel(rule: AlertRule, target: WebhookTarget, head: PlacedDelivery): Parcel {
    const send = async () => {
      await this.#services.webhooks.send(target, { id: head.event.id, body: asciiJson(head.event) });
      return { refused: [] };
    };
    return { id: head.id, rule, deliveries: [head], count: 1, position: head.position, send };
  }

  /** @throws DeliveryError when it is to be tried again, FileError `unavailable`. */
  async #deliver(parcel: Parcel): Promise<void> {
    const [{ id, event }] = parcel.deliveries;
    const outcome = { rule: parcel.rule, target: this.#lane.target, id, event, count: parcel.count };
    try {
      const { refused } = await this.#send(parcel);
      await recordAlert(this.#services, { ...outcome, refused });
      await this.#services.outbox.settle(this.#lane, parcel.position);
    } catch (error) {
      if (!(error instanceof DeliveryError) || this.#isWorthRepeating(error, parcel)) throw error;
      await buryAlert(this.#services, { ...outcome, failure: error.message }, parcel.deliveries);
      if (parcel.count === 1) await this.#services.outbox.withdraw(this.#lane, parcel.position);
      else await this.#services.outbox.settle(this.#lane, parcel.position);
    }
    this.#change({ sent: undefined, isThrottled: false });
  }

  /** Once, though what follows it may have to be repeated. */
  async #send(parcel: Parcel): Promise<Receipt> {
    const { sent, sentAtMs } = this.#state;
    if (sent?.parcelId === parcel.id) return sent.receipt;
    const receipt = await parcel.send();
    const nowMs = this.#services.runtime.now();
    this.#change({ sent: { parcelId: parcel.id, receipt }, sentAtMs: [...sentAtMs, nowMs] });
    return receipt;
  }

  #isWorthRepeating({ retriable }: DeliveryError, { deliveries: [head] }: Parcel): boolean {
    const { pace, runtime } = this.#services;
    return retriable && runtime.now() - head.acceptedAtMs < pace.deliveryMs;
  }

  #retryDelayMs(error: unknown): number {
    const { pace, runtime } = this.#services;
    const policy = {
      tries: Number.POSITIVE_INFINITY,
      firstDelayMs: pace.firstRetryMs,
      longestDelayMs: pace.longestRetryMs,
    };
    const askedMs = error instanceof DeliveryError ? (error.retryAfterMs ?? 0) : 0;
    return Math.max(retryDelayMs(policy, this.#state.failures, runtime.random()), Math.min(askedMs, pace.deliveryMs));
  }

  #change(change: Partial<LaneState>): void {
    this.#state = { ...this.#state, ...change };
  }

  async #pause(delayMs: number): Promise<void> {
    if (delayMs === 0 || this.#isStopping) return;
    let cancel = () => {};
    await new Promise<void>((resolve) => {
      this.#endPause = resolve;
      cancel = this.#services.runtime.every(delayMs, resolve);
    });
    cancel();
  }
}
