import { z } from "zod";
import { limits } from "../../../core/limits.ts";
import type { ScannerConfiguration } from "./configuration.ts";
import { parsedBy, scanScope, section } from "./fields.ts";
import { InvalidValue } from "./invalid-value.ts";

/** The `scanner` section: who says whether files carry malware. */
export const scannerSchema = section({
  clamd: z
    .string()
    .transform(parsedBy(parseClamdAddress))
    .describe("Where clamd listens: tcp://HOST:PORT or unix:PATH.")
    .meta({ examples: ["tcp://127.0.0.1:3310", "unix:/run/clamav/clamd.ctl"] }),
  whenDown: z
    .enum(["hold", "release"])
    .default("hold")
    .describe("What happens to files while the scanner cannot be reached: they wait, or are released unscanned."),
  scan: scanScope
    .optional()
    .describe("Uploads of all accounts that have to be scanned: required for all, or expressions for their paths."),
  retentionDays: z
    .int()
    .min(1)
    .max(limits.longestQuarantineRetentionDays)
    .default(limits.quarantineRetentionDays)
    .describe("How long infected files are kept in quarantine."),
  quarantineFiles: z
    .int()
    .min(2)
    .max(limits.mostQuarantineFiles)
    .default(limits.quarantineFiles)
    .describe("How many files the quarantine holds, one account at most half of them. Then uploads are refused."),
  quarantineBytes: z
    .int()
    .min(2)
    .default(limits.quarantineBytes)
    .describe("How many bytes the quarantine holds, one account at most half of them. Then uploads are refused."),
});

function parseClamdAddress(text: string): ScannerConfiguration["clamd"] {
  const path = /^unix:(?:\/\/)?(\/.+)$/.exec(text)?.[1];
  if (path !== undefined) return { path };
  const [, host = "", port = ""] = /^tcp:\/\/(\[[0-9a-f:.]+\]|[^\s/:@]+):(\d{1,5})\/?$/i.exec(text) ?? [];
  if (host !== "" && Number(port) >= 1 && Number(port) <= 65_535) {
    return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
  }
  throw new InvalidValue("expected tcp://HOST:PORT or unix:/PATH");
}
