import { limits } from "../../core/limits.ts";

const MiB = 1024 ** 2;
/** Chosen so that limits.storeParts parts are more than limits.fileBytes. */
const growth = 16e-6;

/**
 * Bytes of each part but the last, counted from 1. The size of a file is not known when it begins, and S3 takes 10,000
 * parts. The first ones have limits.storePartBytes; those behind them twice as much, which costs half the requests;
 * and they grow with the square of their number: 23 MiB at 12 GiB, 102 MiB at 100 GiB, 1.6 GiB at the end of the
 * largest file.
 */
export function partBytes(partNumber: number): number {
  const isFirst = partNumber <= limits.storeFirstParts;
  return (isFirst ? 1 : 2) * limits.storePartBytes + Math.floor(growth * partNumber ** 2) * MiB;
}
