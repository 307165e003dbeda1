import { passwordHash } from "./workspace.ts";

export const examplePublicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJJJJFAn196keju40sTAcHDn4rPMNTNoFbgasTYpJQw5 acme";

/** The example of SPEC.md §2, with a hash and a public key in the place of the dots. */
export const exampleConfiguration = `server:
  sftp: { listen: "127.0.0.1:2222" }
  ftps: { listen: "127.0.0.1:2121", implicit: "127.0.0.1:2990", passivePorts: "50000-50019", passiveAddress: auto }
  http: { listen: "127.0.0.1:8080" }            # tls: { certificate: file, privateKey: file } makes it https
groups:
  - name: partners
    permissions: [[allow-list]]
accounts:
  - name: acme
    groups: [partners]                          # the first is the primary group
    password: "${passwordHash}"                     # a hash; clear text is refused
    publicKeys: ["${examplePublicKey}"]
    roles: []                                   # \`admin\` may use the management API
    enabled: true
    expires: 2027-01-31T00:00:00Z               # ISO 8601; a date alone means its midnight, UTC where no zone is given
    sources: ["203.0.113.0/24"]                 # when present, every other address is refused
    home: acme                                  # prefix in the store; default: the account's name
    folders: { /shared: shared }                # virtual folders: virtual path → prefix in the store
    permissions:
      - [allow-list, allow-read]                # no expression first: the global permissions
      - ["/inbox/*", allow-list, allow-write]
dispatch:
  - name: pdfs-to-outbox
    when: { accounts: [acme], path: "/inbox/*.pdf" }        # types default to [transfer.completed]
    do:
      - move: /outbox/                          # a path of the same account; a trailing / keeps the file's name
alerts:
  - name: refused-logins
    when: { types: [authentication.failed] }
    email: { to: ["ops@example.com"], subject: "login refused for {account.name}" }
mail: { smtp: "smtp://127.0.0.1:2525", from: "ferrygate@example.com" }
`;
