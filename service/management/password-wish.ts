import type { JsonObject, JsonValue } from "../../core/configuration-entry.ts";
import { ConfigurationError } from "../../core/configuration-error.ts";
import { limits } from "../../core/limits.ts";
import { utf8Length } from "../../core/virtual-path.ts";
import type { PasswordHasher } from "../../ports/password-hasher.ts";

/** What a client wants of an account's password. */
export interface PasswordWish {
  /** The account with the wish fulfilled. @throws ConfigurationError `invalid-entry` */
  applied(value: JsonObject, before: JsonObject | undefined): JsonObject;
}

/**
 * Reads the field `password` of an account that a client sends: a hash; `{"set": true}`, as it is shown, keeps the
 * one there is; `{"clear": "…"}` is hashed, unless it is the password already. Absent means none.
 * @throws ConfigurationError `invalid-entry`
 */
export async function passwordWish(
  passwords: PasswordHasher,
  written: JsonValue | undefined,
  known: JsonValue | undefined,
): Promise<PasswordWish> {
  const form = formOf(written);
  if (form === undefined) return { applied: (value) => value };
  if (form.kind === "keep") return { applied: keepPassword };
  assertAcceptable(form.password);
  const hash = typeof known === "string" ? known : undefined;
  const isKnown = hash !== undefined && (await passwords.verify(form.password, hash));
  const password = isKnown ? hash : await passwords.hash(form.password);
  return { applied: (value) => ({ ...value, password }) };
}

function formOf(written: JsonValue | undefined): { kind: "keep" } | { kind: "clear"; password: string } | undefined {
  if (typeof written !== "object" || written === null || Array.isArray(written)) return undefined;
  const { set, clear, ...others } = written as JsonObject;
  if (Object.keys(others).length > 0) return undefined;
  if (set === true && clear === undefined) return { kind: "keep" };
  if (typeof clear === "string" && set === undefined) return { kind: "clear", password: clear };
  throw refused('the password is a hash, {"set": true} for the one there is, or {"clear": "the password"}');
}

function keepPassword(value: JsonObject, before: JsonObject | undefined): JsonObject {
  const password = before?.password;
  if (password === undefined) throw refused("the account has no password that could be kept");
  return { ...value, password };
}

function assertAcceptable(password: string): void {
  if (password === "") throw refused("the password is empty");
  if (utf8Length(password) > limits.passwordBytes) throw refused("the password is too long");
}

function refused(message: string): ConfigurationError {
  return new ConfigurationError("invalid-entry", { field: "password", message });
}
