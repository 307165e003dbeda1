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

/** What a dead process would have gone on to do does not happen. */
const never = new Promise<never>(() => {});

/**
 * The same ports with faults on every call that changes something. After a crash no call has an effect or an answer:
 * the ports behind hold what a restarted process finds. `crashed` settles at the crash.
 */
export function faultyServices(services: SessionServices, faults: Faults) {
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
  const { objects, accounting } = services;
  const faulty: SessionServices = {
    ...services,
    objects: {
      ...objects,
      openWrite: async (objectKey, transferId) =>
        faultyWriter(await unreliable(() => objects.openWrite(objectKey, transferId)), unreliable),
      outcomeOf: (objectKey, transferId) => unreliable(() => objects.outcomeOf(objectKey, transferId)),
      discard: (transferId) => unreliable(() => objects.discard(transferId)),
    },
    accounting: { ...accounting, append: (event) => unreliable(() => accounting.append(event)) },
  };
  return { services: faulty, crashed, crash: die };
}

type Unreliable = <T>(effect: () => Promise<T>) => Promise<T>;

function faultyWriter(writer: ObjectWriter, unreliable: Unreliable): ObjectWriter {
  return {
    write: (chunk) => unreliable(() => writer.write(chunk)),
    flush: () => unreliable(() => writer.flush()),
    publish: (options) => unreliable(() => writer.publish(options)),
    abort: () => unreliable(() => writer.abort()),
  };
}
