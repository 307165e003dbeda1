import { FileError } from "../../core/errors.ts";
import type { ObjectWriter } from "../../ports/object-store.ts";
import type { SessionServices } from "../../service/session/services.ts";

/** Faults of one life of a process: calls fail before or after their effect, until the process "dies" for good. */
export interface Faults {
  readonly random: () => number;
  /** How often a call fails, from 0 to 1. */
  readonly failureRate: number;
  /** How often a call is the last that happens. */
  readonly crashRate: number;
}

export type Unreliable = <T>(effect: () => Promise<T>) => Promise<T>;

/** One life of a process. After a crash no call has an effect or an answer; `crashed` settles then. */
export interface FaultyLife {
  readonly unreliable: Unreliable;
  readonly crashed: Promise<void>;
  crash(): void;
}

/** What a dead process would have gone on to do does not happen. */
const never = new Promise<never>(() => {});

export function startFaultyLife(faults: Faults): FaultyLife {
  let isDead = false;
  let die: () => void = () => {};
  const crashed = new Promise<void>((resolve) => {
    die = () => {
      isDead = true;
      resolve();
    };
  });
  /** Whether the fault that is drawn, if any, strikes now; half of them strike before the effect. */
  const strike = (fate: number, isItsTime: boolean) => {
    if (isItsTime && fate < faults.crashRate) die();
    return isItsTime && fate < faults.crashRate + faults.failureRate;
  };
  async function unreliable<T>(effect: () => Promise<T>): Promise<T> {
    if (isDead) return never;
    const [fate, isBefore] = [faults.random(), faults.random() < 0.5];
    const failsBefore = strike(fate, isBefore);
    if (isDead) return never;
    if (failsBefore) throw new FileError("unavailable", "fault before the effect");
    const result = await effect();
    const failsAfter = strike(fate, !isBefore);
    if (isDead) return never;
    if (failsAfter) throw new FileError("unavailable", "fault after the effect");
    return result;
  }
  return { unreliable, crashed, crash: die };
}

type Methods<T> = { readonly [M in keyof T]: T[M] extends (...args: never[]) => Promise<unknown> ? M : never }[keyof T];

/** The port with faults on the calls of these methods. */
export function withFaults<T extends object>(port: T, unreliable: Unreliable, methods: readonly Methods<T>[]): T {
  const faulty = methods.map((name) => {
    const method = port[name] as (...args: unknown[]) => Promise<unknown>;
    return [name, (...args: unknown[]) => unreliable(() => method.apply(port, args))] as const;
  });
  return { ...port, ...Object.fromEntries(faulty) };
}

/**
 * The same ports with faults on every call that changes something: the ports behind hold what a restarted process
 * finds.
 */
export function faultyServices(services: SessionServices, faults: Faults) {
  const { unreliable, crashed, crash } = startFaultyLife(faults);
  const { objects, accounting } = services;
  const faulty: SessionServices = {
    ...services,
    objects: {
      ...withFaults(objects, unreliable, ["outcomeOf", "discard", "keep"]),
      openWrite: async (objectKey, transferId) =>
        faultyWriter(await unreliable(() => objects.openWrite(objectKey, transferId)), unreliable),
      reopenWrite: async (objectKey, transferId, kept) => {
        const writer = await unreliable(() => objects.reopenWrite(objectKey, transferId, kept));
        return withFaults(writer, unreliable, ["write", "flush", "publish", "abort", "keep", "cut"]);
      },
    },
    accounting: withFaults(accounting, unreliable, ["append"]),
  };
  return { services: faulty, unreliable, crashed, crash };
}

export function faultyWriter(writer: ObjectWriter, unreliable: Unreliable): ObjectWriter {
  return withFaults(writer, unreliable, ["write", "flush", "publish", "abort", "keep"]);
}
