/**
 * What an API token can be good for. Whatever it holds, it never does more than its account may: permissions and roles
 * are asked as they are for a password.
 */
export const scopes = ["files:read", "files:write", "events:read", "management", "authorize"] as const;

export type Scope = (typeof scopes)[number];

/** How every API token begins: people and secret scanners recognize it, and no JSON Web Token begins so. */
export const apiTokenPrefix = "fgt_";
