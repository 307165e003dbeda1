import { FileError } from "../../core/errors.ts";
import type { DispatchServices } from "./dispatch-services.ts";

/** @throws FileError `too-large` */
export function assertConvertible({ conversionBounds }: DispatchServices, bytes: number): void {
  if (!conversionBounds || bytes <= conversionBounds.mostBytes) return;
  const [has, most] = [bytes, conversionBounds.mostBytes].map((count) => `${(count / 1024 ** 3).toFixed(1)} GiB`);
  throw new FileError("too-large", `the file has ${has}, and what makes another file of it takes ${most} here`);
}

/** @throws FileError `unavailable` */
export function assertTimeLeft({ conversionBounds, runtime }: DispatchServices): void {
  if (!conversionBounds || runtime.now() < conversionBounds.endMs()) return;
  throw new FileError("unavailable", "the time for this try was over before the whole file was read");
}
