import { z } from "zod";
import { packFormats } from "../../../core/archive-format.ts";
import {
  type DestinationTemplate,
  parseDestinationTemplate,
  parseNameTemplate,
} from "../../../core/destination-template.ts";
import {
  type DispatchRule,
  type DispatchStep,
  derivingActions,
  dispatchableTypes,
  type OverwritePolicy,
  overwritePolicies,
} from "../../../core/dispatch.ts";
import { feedsItself } from "../../../core/dispatch-loop.ts";
import { FileError } from "../../../core/errors.ts";
import type { EventSelection } from "../../../core/event-selection.ts";
import { limits } from "../../../core/limits.ts";
import { enabled, name, parsedBy, section } from "./fields.ts";
import { stepEmail, webhookTarget } from "./rule-schema.ts";
import type { SecretSource } from "./secret.ts";
import { oneOfOrNot, selectionSchema } from "./selection-schema.ts";

const actionNames = [
  "move",
  "copy",
  "push",
  "rename",
  "checksum",
  "compress",
  "extract",
  "encrypt",
  "decrypt",
  "verify",
  "scan",
  "email",
  "webhook",
  "delete",
  "ignore",
] as const satisfies readonly Action[];

/** While a destination is read alone, it may refer to as many groups as an expression can have. */
const anyCaptureCount = 99;

const destination = z
  .string()
  .superRefine((text, context) => {
    parsedBy((source: string) => parseDestinationTemplate(source, anyCaptureCount))(text, context);
  })
  .meta({ examples: ["/outbox/", "/archive/{time:yyyy-MM}/{file.stem}-{1}.{file.extension}"] });

const newName = z
  .string()
  .superRefine((text, context) => {
    parsedBy((source: string) => parseNameTemplate(source, anyCaptureCount))(text, context);
  })
  .meta({ examples: ["{file.stem}-{time:yyyyMMdd}.{file.extension}"] });

const push = section({
  destination: name.describe("The destination."),
  path: destination
    .default("/")
    .describe("Where to, below the folder of the destination; with a / at the end the file keeps its name."),
});

const keyNames = z.array(name).min(1).max(limits.pgpKeysPerStep);

const encrypt = section({
  recipients: keyNames.describe("Names of pgpKeys: whoever has one of their private keys can read the file."),
  sign: name.optional().describe("The name of the key of pgpKeys that signs; it needs its private key."),
  armor: z.boolean().default(false).describe("True makes text, NAME.asc, of it."),
});

const decrypt = section({
  with: keyNames.describe("Names of pgpKeys with a private key."),
  signedBy: keyNames.optional().describe("When given, the message has to be signed by one of these keys."),
});

const verify = section({
  signedBy: keyNames.describe("Names of pgpKeys: one of them has to have signed the file."),
  signature: z
    .enum(["embedded", "detached"])
    .default("embedded")
    .describe("In the message, or beside the file in NAME.sig or NAME.asc."),
});

function actionsFrom(secrets: SecretSource) {
  return {
    move: destination.describe("Moves the file there; with a / at the end it keeps its name."),
    copy: destination.describe("Copies the file there; with a / at the end it keeps its name."),
    push: push.describe("Sends the file to a destination."),
    rename: newName.describe("Gives the file this name; it stays in its folder."),
    checksum: z.literal("sha256").describe("Puts the file's SHA-256 next to it, in NAME.sha256."),
    compress: z.enum(packFormats).describe("Compresses the file: NAME.gz, .zip, .tar or .tar.gz takes its place."),
    extract: z
      .enum(packFormats)
      .describe("Undoes that: NAME takes the place of NAME.gz; the files of an archive go into the folder NAME."),
    encrypt: encrypt.describe("Encrypts the file by OpenPGP: NAME.pgp, or NAME.asc, takes its place."),
    decrypt: decrypt.describe("Decrypts it: NAME takes the place of NAME.pgp, NAME.gpg or NAME.asc."),
    verify: verify.describe("Verifies its OpenPGP signature; NAME takes the place of a signed message."),
    scan: z.literal(true).describe("Has the file scanned; an infected one goes into quarantine."),
    email: stepEmail.describe("Sends a message about the file; its body is an event as JSON."),
    webhook: webhookTarget(secrets).describe("Sends a request about the file; its body is an event as JSON."),
    delete: z.literal(true).describe("Deletes the file."),
    ignore: z.literal(true).describe("Leaves the file as it is."),
  };
}

const options = {
  to: destination.describe("The folder that the files of an archive go to. Default: one beside it with its name."),
  account: name.describe("Whose path the destination is; that account must be allowed to write there."),
  overwrite: z.enum(overwritePolicies).describe("What to do when the destination is taken. Default: fail."),
};

type Action = keyof ReturnType<typeof actionsFrom>;

const actionsWith: Readonly<Record<keyof typeof options, readonly Action[]>> = {
  to: ["extract"],
  account: ["move", "copy", "extract"],
  overwrite: ["move", "copy", "push", "rename", ...derivingActions, "encrypt", "decrypt", "verify"],
};

function stepSchema(secrets: SecretSource) {
  return section({ ...actionsFrom(secrets), ...options })
    .partial()
    .superRefine((written, context) => {
      const given = actionNames.filter((action) => written[action] !== undefined);
      const [action] = given;
      if (action === undefined || given.length > 1) {
        const list = actionNames.map((one) => JSON.stringify(one)).join(", ");
        context.addIssue({ code: "custom", message: `expected exactly one of ${list}` });
        return;
      }
      for (const option of ["to", "account", "overwrite"] as const) {
        const isOfArchive = option !== "overwrite" && action === "extract" && written.extract === "gzip";
        if (written[option] === undefined || (actionsWith[option].includes(action) && !isOfArchive)) continue;
        const of = isOfArchive ? "extract: gzip" : action;
        const message = `${JSON.stringify(option)} means nothing to ${JSON.stringify(of)}`;
        context.addIssue({ code: "custom", path: [option], params: { part: "name" }, message });
      }
    })
    .meta({ minProperties: 1 });
}

type WrittenStep = z.output<ReturnType<typeof stepSchema>>;

const types = z
  .array(oneOfOrNot(dispatchableTypes))
  .min(1)
  .default(["transfer.completed"])
  .describe("Types of events that say that a file is there. Of transfers only uploads count.");

export function dispatchRuleSchema(secrets: SecretSource) {
  const steps = z.array(stepSchema(secrets)).min(1).max(limits.dispatchSteps);
  return section({
    name: name.describe("Unique among the dispatch rules."),
    enabled: enabled.describe("False puts the rule out of force."),
    when: selectionSchema(types).prefault({}).describe("Which events the rule is about: all of these have to hold."),
    do: steps.describe("What happens to the file, in this order."),
    otherwise: steps.optional().describe("What happens instead when a step has failed for good."),
    continue: z.boolean().default(false).describe("True lets the rules behind this one see the event too."),
  }).transform((written, context) => {
    for (const { path, message } of stepFindings(written)) context.addIssue({ code: "custom", path, message });
    return context.issues.length > 0 ? z.NEVER : compileRule(written);
  });
}

interface WrittenRule extends Pick<DispatchRule, "name" | "enabled" | "when"> {
  readonly do: readonly WrittenStep[];
  readonly otherwise?: readonly WrittenStep[] | undefined;
  readonly continue: boolean;
}

function compileRule({ do: done, otherwise = [], continue: continues, ...rule }: WrittenRule): DispatchRule {
  return {
    ...rule,
    steps: done.map((written) => compileStep(written, rule.when)),
    otherwise: otherwise.map((written) => compileStep(written, rule.when)),
    continues,
  };
}

function stepFindings({ when, do: done, otherwise = [] }: WrittenRule) {
  return Object.entries({ do: done, otherwise }).flatMap(([list, written]) =>
    written.flatMap((step, index) => {
      const last = written
        .slice(0, index)
        .map(endOfFile)
        .find((end) => end !== undefined);
      const finding = last === undefined ? stepFinding(step, when) : withoutFile(step, last);
      return finding ? [{ path: [list, index, finding.action], message: finding.message }] : [];
    }),
  );
}

/** What leaves no one file to go on with: an archive is gone when its files are there. */
function endOfFile({ delete: isDeleted, extract }: WrittenStep): string | undefined {
  if (isDeleted) return "behind a deletion";
  return extract === undefined || extract === "gzip" ? undefined : "behind the extraction of an archive";
}

function withoutFile(written: WrittenStep, where: string): { action: Action; message: string } {
  const action = actionNames.find((one) => written[one] !== undefined) ?? "ignore";
  return { action, message: `${where} there is no file for another step` };
}

/** What cannot be seen in a step alone: groups that the rule's path does not have, and files for the rule itself. */
function stepFinding(written: WrittenStep, when: EventSelection): { action: Action; message: string } | undefined {
  const action = actionNames.find((one) => written[one] !== undefined) ?? "ignore";
  try {
    const compiled = compileStep(written, when);
    if (compiled.action !== "move" && compiled.action !== "copy") return undefined;
    if (!when.path || !mayConcern(when, compiled.account) || !feedsItself(when.path, compiled.to)) return undefined;
    return { action, message: "the rule would put files where it takes them from: its path matches the destination" };
  } catch (error) {
    if (error instanceof FileError) return { action, message: error.message };
    throw error;
  }
}

/** Whether the rule is about files of this account; undefined is whichever account the file is of. */
function mayConcern({ written: { accounts } }: EventSelection, account: string | undefined): boolean {
  if (account === undefined || !accounts) return true;
  if (accounts.includes(`!${account}`)) return false;
  return accounts.includes(account) || accounts.every((entry) => entry.startsWith("!"));
}

function compilePgpStep(written: WrittenStep, overwrite: OverwritePolicy): DispatchStep | undefined {
  if (written.encrypt) {
    const { recipients, sign, armor } = written.encrypt;
    return { action: "encrypt", recipients, signer: sign, armor, overwrite };
  }
  if (written.decrypt) {
    const { with: recipients, signedBy = [] } = written.decrypt;
    return { action: "decrypt", recipients, signedBy, overwrite };
  }
  if (!written.verify) return undefined;
  const { signedBy, signature } = written.verify;
  return signature === "detached" ? { action: "verify-detached", signedBy } : { action: "verify", signedBy, overwrite };
}

function folderOf({ to }: WrittenStep, captureCount: number): DestinationTemplate | undefined {
  return to === undefined ? undefined : parseDestinationTemplate(to, captureCount);
}

/** @throws FileError for groups that the path does not have. */
function compileStep(written: WrittenStep, { path }: EventSelection): DispatchStep {
  const captureCount = path?.captureCount ?? 0;
  const overwrite: OverwritePolicy = written.overwrite ?? "fail";
  const { move, copy, rename, account } = written;
  if (written.push) {
    const { destination: site, path: to } = written.push;
    return { action: "push", destination: site, to: parseDestinationTemplate(to, captureCount), overwrite };
  }
  const to = move ?? copy;
  if (to !== undefined) {
    const template = parseDestinationTemplate(to, captureCount);
    return { action: move === undefined ? "copy" : "move", to: template, account, overwrite };
  }
  if (rename !== undefined) return { action: "rename", name: parseNameTemplate(rename, captureCount), overwrite };
  if (written.extract !== undefined && written.extract !== "gzip") {
    return { action: "unpack", format: written.extract, to: folderOf(written, captureCount), account, overwrite };
  }
  const pgp = compilePgpStep(written, overwrite);
  if (pgp) return pgp;
  const deriving = derivingActions.find((action) => written[action] !== undefined);
  if (deriving) return { action: deriving, overwrite, ...(written.compress && { format: written.compress }) };
  return compilePlainStep(written);
}

function compilePlainStep({ scan, email, webhook, delete: deletes }: WrittenStep): DispatchStep {
  if (scan) return { action: "scan" };
  if (email) return { action: "email", email };
  if (webhook) return { action: "webhook", webhook };
  return { action: deletes ? "delete" : "ignore" };
}
