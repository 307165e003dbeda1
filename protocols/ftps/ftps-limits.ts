import type { limits } from "../../core/limits.ts";

/** The limits in force: those of core/limits.ts, unless a test makes some smaller. */
export type FtpsLimits = { readonly [Name in keyof typeof limits]: number };
