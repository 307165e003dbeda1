import { randomInt } from "node:crypto";

// Without the characters that are easily taken for one another, and none that a shell would read as its own.
const passwordCharacters = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const passwordLength = 24;

/** 24 characters of chance, about 139 bits. */
export function createPassword(): string {
  return Array.from({ length: passwordLength }, () => passwordCharacters[randomInt(passwordCharacters.length)]).join(
    "",
  );
}

/** The configuration of a first start. Its accounts have the passwords of which these are the hashes. */
export function demoConfiguration(hashes: { readonly acme: string; readonly admin: string }): string {
  return `# yaml-language-server: $schema=../schema/ferrygate.schema.json
# Made by the first start, yours from then on. Every key is explained in docs/configuration.md;
# "npx ferrygate check FILE" lists mistakes. All but the server section comes into force as soon as it is saved.

server:                                       # only this machine can connect until an address here says otherwise
  sftp: { listen: "127.0.0.1:2222" }
  ftps: { listen: "127.0.0.1:2121", implicit: "127.0.0.1:2990", passivePorts: "50000-50019" }
  http: { listen: "127.0.0.1:8080" }

groups:
  - name: partners
    permissions:
      - [allow-list, allow-traverse]          # looking around, wherever no other rule matches

accounts:
  - name: acme                                # a partner: delivers to /inbox and collects from /outbox
    groups: [partners]
    password: "${hashes.acme}"
    folders: { /inbox: acme/inbox, /outbox: acme/outbox }
    permissions:
      - ["/inbox | /inbox/*", allow-list, allow-read, allow-write, allow-create-folder, allow-rename, allow-delete-file,
         allow-delete-folder, allow-set-attributes]
      - ["/outbox | /outbox/*", allow-list, allow-read, allow-delete-file]

  - name: admin                               # may use the management API
    password: "${hashes.admin}"
    roles: [admin]
    permissions:
      - [allow-full-control]

# Rules for what has happened. The first moves a PDF that arrives in /inbox to /outbox; the second tells of each
# refused login by e-mail and needs the address of your mail server. Take the # away to have them.
# dispatch:
#   - name: pdfs-to-outbox
#     when: { accounts: [acme], path: "/inbox/*.pdf" }
#     do:
#       - move: /outbox/
# alerts:
#   - name: refused-logins
#     when: { types: [authentication.failed] }
#     email: { to: ["ops@example.com"], subject: "login refused for {account.name}" }
# mail: { smtp: "smtp://127.0.0.1:2525", from: "ferrygate@example.com" }
`;
}
