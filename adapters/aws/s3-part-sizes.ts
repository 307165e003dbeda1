import { limits } from "../../core/limits.ts";

const MiB = 1024 ** 2;
/** Chosen so that limits.storeParts parts are more than limits.fileBytes. */
const growth = 16e-6;

/**
 * Bytes of each part but the last, counted from 1. The size of a file is not known when it begins, and S3 takes 10,000
 * parts: so the parts of a file up to 2 GiB have limits.storePartBytes, and grow with the square of their number behind
 * that: 24 MiB at 12 GiB, 108 MiB at 100 GiB, 1.6 GiB at the end of the largest file.
 */
export function partBytes(partNumber: number): number {
  return limits.storePartBytes + Math.floor(growth * partNumber ** 2) * MiB;
}
