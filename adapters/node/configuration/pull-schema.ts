import { Cron } from "croner";
import { z } from "zod";
import { overwritePolicies } from "../../../core/dispatch.ts";
import { isTimeZone } from "../../../core/expectation.ts";
import { limits } from "../../../core/limits.ts";
import { type Pull, type PullAftermath, parseFolder, pullsWhatItPutsAway } from "../../../core/pull.ts";
import { enabled, expression, name, parsedBy, section } from "./fields.ts";
import { InvalidValue } from "./invalid-value.ts";

const folder = z
  .string()
  .transform(parsedBy(absoluteFolder))
  .meta({ examples: ["/outgoing"] });

const cron = z
  .string()
  .max(limits.cronLength)
  .superRefine((text, context) => {
    parsedBy(checkedCron)(text, context);
  })
  .meta({ examples: ["*/15 * * * *", "0 6 * * MON-FRI"] });

/** Files that are fetched from a destination again and again. */
export const pullSchema = section({
  name: name.describe("Unique among the pulls."),
  enabled: enabled.describe("False puts the pull out of force."),
  destination: name.describe("The destination that files are fetched from."),
  from: folder.describe("The folder there that is looked at; those below it are not."),
  files: expression.optional().describe("An expression that /NAME of a file has to match. Default: every file."),
  account: name.describe("The account that gets the files."),
  to: folder.describe("The account's folder that they come into."),
  overwrite: z.enum(overwritePolicies).default("fail").describe("What to do when a file of the name is there already."),
  schedule: cron.describe("When to look: minute, hour, day, month, day of the week (cron)."),
  timeZone: z
    .string()
    .refine(isTimeZone, { error: "expected a time zone such as Europe/Paris" })
    .default("UTC")
    .describe("Whose time that is."),
  stableSeconds: z
    .number()
    .min(0)
    .max(limits.pullLongestStableMs / 1000)
    .default(limits.pullStableMs / 1000)
    .describe("How long a file has to stay as it is before it is fetched."),
  after: z
    .union([z.enum(["keep", "delete"]), section({ move: folder.describe("A folder there.") })])
    .default("keep")
    .describe("What becomes of a file there that was fetched: it is kept and remembered, deleted, or moved."),
  failureFolder: folder.optional().describe("A folder there for files that cannot be fetched. Default: they stay."),
})
  .superRefine((written, context) => {
    const field = pullsWhatItPutsAway({
      ...written,
      after: aftermathOf(written.after),
      failureFolder: written.failureFolder,
    });
    if (field === undefined) return;
    const path = field === "after" ? ["after", "move"] : [field];
    context.addIssue({ code: "custom", path, message: "the pull would fetch from this folder what it puts there" });
  })
  .transform(
    ({ schedule, timeZone, stableSeconds, after, files, failureFolder, ...written }): Pull => ({
      ...written,
      files,
      schedule: { cron: schedule, timeZone },
      stableMs: Math.round(stableSeconds * 1000),
      after: aftermathOf(after),
      failureFolder,
    }),
  );

type WrittenAftermath = "keep" | "delete" | { readonly move: Pull["from"] };

function aftermathOf(after: WrittenAftermath): PullAftermath {
  return typeof after === "string" ? { kind: after } : { kind: "move", folder: after.move };
}

function absoluteFolder(text: string): Pull["from"] {
  if (!text.startsWith("/")) throw new InvalidValue("a folder begins with /");
  return parseFolder(text);
}

/** @throws InvalidValue */
function checkedCron(text: string): void {
  try {
    new Cron(text, { paused: true, mode: "5-or-6-parts" });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^\w+: /, "") : "";
    throw new InvalidValue(`not a cron expression such as "*/15 * * * *": ${reason}`);
  }
}
