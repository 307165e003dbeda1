import { awsLimits } from "./aws-limits.ts";
import { contentLimits } from "./content-limits.ts";
import { transferLimits } from "./transfer-limits.ts";

/**
 * Every length, count, time and size that Ferrygate bounds, in one place. A protocol or adapter that needs a
 * number takes it from here; units stand in the names.
 */
const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;
const TiB = 1024 * GiB;
const second = 1000;
const minute = 60 * second;

export const limits = {
  ...contentLimits,
  ...transferLimits,

  /** S3 refuses object keys over 1,024 bytes; the prefix of an account takes part of them. */
  pathBytes: 900,
  pathSegmentBytes: 255,
  pathDepth: 64,
  objectKeyBytes: 1024,

  accountNameLength: 64,
  passwordBytes: 1024,
  publicKeysPerAccount: 100,
  groupsPerAccount: 50,
  sourcesPerAccount: 200,
  foldersPerAccount: 100,
  permissionRules: 200,
  expressionLength: 1000,
  expressionAlternatives: 50,
  /** RE2 instructions; matching costs at most this many steps for each character of the path. */
  expressionInstructions: 10_000,
  /** Kept ready, because many accounts have the same ones. */
  compiledExpressions: 1000,
  configurationBytes: 10 * MiB,
  configurationCheckMs: 1 * second,
  /** A private key, a certificate with its chain, a password hash: whatever the configuration keeps in a file apart. */
  secretBytes: 64 * KiB,
  /** Of one account, group or rule as JSON: DynamoDB takes items of 400 KB. */
  entryBytes: 350 * KiB,
  accounts: 20_000,
  groups: 1000,
  hostKeys: 10,
  revocationListFiles: 50,
  serverNameLength: 100,
  dispatchRules: 1000,
  dispatchSteps: 20,
  /** Taken names that `overwrite: number` passes over. */
  dispatchNumbers: 1000,
  /** Entries of one list in a rule's `when`. */
  selectionEntries: 200,
  alertRules: 1000,
  emailRecipients: 50,
  emailSubjectLength: 200,
  /** Of a subject with an event's values in it. */
  emailHeaderLength: 500,
  /** RFC 5322 §2.1.1 allows no longer lines in a message. */
  emailLineLength: 998,
  smtpConnectMs: 15 * second,
  smtpGreetingMs: 15 * second,
  /** How long a mail server may say nothing; RFC 5321 §4.5.3.2 asks for minutes. */
  smtpIdleMs: 2 * minute,
  smtpConnections: 2,
  smtpMessagesPerConnection: 100,
  /** E-mails of one rule within alertPeriodMs; what comes beyond goes into one digest at its end. */
  alertEmails: 10,
  alertPeriodMs: 10 * minute,
  /** Events that a digest shows, and the bytes of JSON that they may take; it counts them all. */
  alertDigestEvents: 100,
  alertDigestBytes: 256 * KiB,
  alertRetryMs: 1 * second,
  alertLongestRetryMs: 5 * minute,
  /** How long an alert is tried; a mail server that is down for a week-end loses nothing. */
  alertDeliveryMs: 3 * 24 * 60 * minute,
  /** How long a told alert is remembered, so that it is not told again. */
  alertRetentionMs: 30 * 24 * 60 * minute,
  /** How often it is looked whether files are missing or something is about to expire. */
  watchMs: 1 * minute,
  externalAuthenticationMs: 30 * second,
  externalAuthenticationUrls: 10,
  externalAuthenticationHeaders: 20,
  /** Questions that wait for an answer at the same time; more logins are refused. */
  externalAuthenticationQuestions: 100,
  externalAnswerBytes: 256 * KiB,
  /** What an endpoint says about a refusal goes on record up to this length. */
  externalDetailLength: 1000,
  /** How long an address that failed is asked after all others. */
  externalRestMs: 5 * minute,
  /** How long a login that another system vouched for is good: it cannot be asked again without the password. */
  externalAccountMs: 12 * 60 * minute,
  externalAccounts: 20_000,
  webhookMs: 15 * second,
  /** Of an answer to a webhook: nothing in it is read. */
  webhookAnswerBytes: 64 * KiB,

  fileBytes: 5 * TiB,
  /** Writes that arrive ahead of their place are held this far; past it the upload fails (S3 parts are sequential). */
  reorderWindowBytes: 4 * MiB,
  /** Bytes that one upload may hold between client and store before its writer has to wait. */
  uploadPendingBytes: 2 * MiB,
  /** Of an upload in parts, as S3 has it: at most so many, each at most so large; the default suits most lines. */
  uploadParts: 10_000,
  largestUploadPartBytes: 5 * GiB,
  uploadPartBytes: 16 * MiB,
  pendingUploadsPerAccount: 100,
  pendingUploadMs: 24 * 60 * minute,
  pendingUploadReviewMs: 10 * minute,
  /** What is kept of an upload that broke off: so long, of one account so many, in whole blocks. */
  keptUploadMs: 24 * 60 * minute,
  keptUploadsPerAccount: 100,
  keptUploadBlockBytes: 64 * KiB,
  keptUploadReviewMs: 10 * minute,
  /** How long a client waits for the digest of an upload that went on: some give an answer up after 15 seconds. */
  resumedDigestMs: 10 * second,
  /** How long it is known which upload of a place is the newest, unless it ends before. */
  newestUploadMs: 7 * 24 * 60 * minute,
  /** How often an upload that begins looks again whether another one has begun at the same moment. */
  newestUploadTries: 5,
  /** How long a URL is good that leads a part to the store. */
  partUrlMs: 60 * minute,
  /** URLs of one answer. */
  partUrls: 1000,
  /** Bytes of one upload that the operating system may hold back before they go to disk. */
  writebackBytes: 64 * MiB,
  listingPageEntries: 1000,
  directoryEntries: 1_000_000,
  /** Entries of a listing whose attributes are read at the same time. */
  entriesReadAtOnce: 32,
  /** Renaming or copying a folder touches every object below it. */
  treeEntries: 100_000,

  handlesPerSession: 256,
  sessionsPerAccount: 200,
  connections: 2000,
  unauthenticatedConnections: 100,
  unauthenticatedConnectionsPerAddress: 50,
  authenticationAttempts: 6,
  /** No account has so long a name; longer ones are refused unread. */
  loginNameBytes: 256,
  /** Wrong passwords, over all protocols, that one address has within failedLoginsMs before it has to wait. */
  failedLogins: 100,
  failedLoginsMs: 1 * minute,
  /** Passwords of one network that are looked at at the same time; so many more than failedLogins can be wrong. */
  passwordChecksPerNetwork: 20,
  failedLoginAddresses: 10_000,
  /** How long a token of `POST /v1/sessions` is good. */
  tokenSessionMs: 60 * minute,
  tokenSessionsPerAccount: 10_000,
  /** After this time a new pair of keys signs; the ones before verify until the last of their tokens is expired. */
  tokenSigningMs: 30 * 24 * 60 * minute,
  /** How soon a process that keeps its signing keys in a secret notices other ones, and how often it looks at most. */
  tokenKeysReadMs: 1 * minute,
  tokenKeysRereadMs: 5 * second,
  apiTokensPerAccount: 50,
  apiTokenNameLength: 100,
  /** The longest that an API token is good, and how long it is when nothing else is asked for. */
  apiTokenMs: 366 * 24 * 60 * minute,
  handshakeMs: 30 * second,
  authenticationMs: 60 * second,
  idleMs: 15 * minute,
  /** How often live sessions are checked against their account. The promise is "within 60 s". */
  sessionReviewMs: 15 * second,
  /** How soon an end of a transfer that could not be put on record is tried again. */
  recordRetryMs: 5 * second,
  drainMs: 30 * second,
  concurrentPasswordChecks: 4,
  queuedPasswordChecks: 1000,
  rememberedPasswords: 1000,
  rememberedPasswordMs: 1 * minute,
  /** What a password hash from the configuration may cost: about a second of one core. */
  passwordHashMemoryKiB: 256 * KiB,
  passwordHashMemoryPassesKiB: 1 * MiB,
  passwordHashLanes: 16,
  passwordHashSaltBytes: 64,
  passwordHashTagBytes: 64,

  /** OpenSSH's own server accepts 256 KiB packets; `limits@openssh.com` announces 255 KiB of data in each. */
  sftpPacketBytes: 256 * KiB,
  sftpReadBytes: 255 * KiB,
  sftpWriteBytes: 255 * KiB,
  /** Folders of the store that stay open between requests. */
  openFolders: 64,
  /** Memory of large packets that is kept for the next ones. */
  sftpKeptPacketBytes: 8 * MiB,
  sftpPendingRequests: 512,
  sftpPendingRequestBytes: 1 * MiB,
  sftpPendingReplyBytes: 2 * MiB,
  sftpNamesPerReply: 100,
  /** Clients need not accept messages over 34,000 bytes that they did not ask for (draft-ietf-secsh-filexfer-02 §3). */
  sftpNameReplyBytes: 32 * KiB,
  sftpIdsPerRequest: 1000,
  /** Each holds a page of its listing in memory. */
  sftpOpenDirectories: 32,
  sftpChannelsPerConnection: 10,
  /** What a client may send behind a channel that is not being read; its window ends long before. */
  sftpUnreadInputBytes: 8 * MiB,
  /** RFC 4253 §6.1 has everyone accept 32 KiB; a client that takes much less makes every reply thousands of packets. */
  sftpSmallestClientPacketBytes: 1 * KiB,
  /** Keys that one client may offer without being refused for good: agents hold many. */
  publicKeyOffers: 20,
  /** How often a silent client is asked whether it is still there, and how often it may fail to answer. */
  sshKeepaliveMs: 30 * second,
  sshKeepaliveCount: 10,
  /** How often deadlines, idleness and the age of keys are looked at, so how late each may be noticed. */
  sftpCheckMs: 1 * second,
  /** How long a client has to read why it is disconnected. */
  sftpLingerMs: 2 * second,
  /** A session that has nothing open and asks nothing for this long lets a server stop. */
  drainQuietMs: 2 * second,
  /** RFC 4344 §3.2 asks for new keys before 2^32 packets; RFC 4253 §9 recommends each gigabyte or hour. */
  rekeyBytes: 1 * GiB,
  rekeyMs: 60 * minute,

  /** A command line of FTP without its end: the longest path fits twice, each byte of it escaped. */
  ftpsCommandLineBytes: 8 * KiB,
  /** Commands that a client may send ahead, for example during a transfer. */
  ftpsHeldCommandBytes: 16 * KiB,
  /** From PASV or EPSV to the client's connection, and from the transfer command. */
  ftpsDataConnectMs: 30 * second,
  /** How long a data connection may stand still. */
  ftpsDataIdleMs: 5 * minute,
  /** Read from the store and written to a data connection at a time; two such blocks are held a download. */
  ftpsSendBytes: 1 * MiB,
  /** Handed to an upload at a time. */
  ftpsReceiveBytes: 256 * KiB,
  /** Longer than any control connection lives, and the longest that TLS allows (RFC 8446 §4.6.1). */
  ftpsTlsSessionSeconds: 7 * 24 * 60 * 60,
  /** How long a client that was told goodbye has for closing its side. */
  ftpsLingerMs: 2 * second,
  /** Of PROXY protocol version 2, addresses and extensions included. */
  proxyHeaderBytes: 4 * KiB,
  /** How long a connection behind a load balancer may take to say where it comes from, and how many may be at it. */
  proxyHeaderMs: 10 * second,
  proxyHeadersAwaited: 1000,
  /** How often a refused header goes to the log; all are counted. */
  proxyWarningMs: 10 * second,

  /** A passive port is a client's for the time that its connection has, and some more for clocks that differ. */
  passiveLeaseMs: 35 * second,
  /** How long the table keeps a lease that has ended. */
  leaseTraceMs: 60 * minute,
  /** How long PASV may look for a port that is free everywhere. */
  passiveAcquireMs: 5 * second,
  /** From one task to the task that a connection is for. */
  relayConnectMs: 3 * second,
  relayedConnections: 2000,
  /** A silent connection is asked whether it is still there; a load balancer forgets one after minutes. */
  tcpKeepaliveMs: 60 * second,
  leaderLeaseMs: 15 * second,
  leaderRenewMs: 5 * second,
  /** A leader stops so long before its lease ends, because clocks differ. */
  leaderMarginMs: 1 * second,
  leaderRetryMs: 1 * second,
  /** How long a connection waits for a leader to be known. */
  leaderWaitMs: 20 * second,
  leaderWaits: 200,
  /** A task that was silent for this long is dead, and others settle its transfers. */
  taskLeaseMs: 60 * second,
  taskRenewMs: 10 * second,
  /**
   * A function says at the start of a call that it lives, unless it did so within functionRenewMs. Lambda ends a call
   * after 15 minutes, so the lease lasts for that, functionRenewMs, and two minutes for clocks that differ.
   */
  functionLeaseMs: 20 * minute,
  functionRenewMs: 3 * minute,
  taskMetadataMs: 5 * second,
  settleMs: 30 * second,
  settleLeaseMs: 10 * minute,
  /** A server that is about to stop says so for this long before it closes its doors, or for a part of its drain. */
  drainNoticeMs: 5 * second,
  drainNoticeShare: 0.1,
  /** Of the load balancer and the platform, to the health port. */
  healthConnections: 200,
  /** How often secrets are looked at, so how late a rotation is noticed. */
  secretCheckMs: 60 * second,
  /** How long a question about a login may take with all its tries. */
  authenticationCallMs: 20 * second,
  /** How long what an account may do is remembered between two looks of its sessions, which promise 60 s together. */
  rememberedAccountMs: 15 * second,
  /** How long a login that was accepted is good for another one with the same credential from the same address. */
  rememberedLoginMs: 60 * second,
  rememberedLogins: 1000,
  /** AWS Fargate gives a container at most two minutes from SIGTERM to SIGKILL. */
  longestDrainSeconds: 118,
  defaultDrainSeconds: 110,

  /** Events that a consumer reads at a time. */
  consumerPageEvents: 200,
  /** How long those who follow the accounting log are told late of an event, so that they look at several at once. */
  appendGatherMs: 20,
  /** How often the position behind events that nothing was done about is written. */
  consumerPositionMs: 5 * second,
  /** How often an event is tried before it waits among the dead letters; the pauses between double. */
  consumerTries: 6,
  consumerRetryMs: 1 * second,
  consumerLongestRetryMs: 1 * minute,
  /** How long work that is done once stays with whoever took it and went silent. */
  claimLeaseMs: 1 * minute,
  /** How long it is known that such work was done: longer than any queue delivers an event again. */
  claimRetentionMs: 30 * 24 * 60 * minute,
  /** How often what is older is forgotten. */
  claimSweepMs: 12 * 60 * minute,
  deadLetterPageEntries: 1000,
  deadLetterPageDefaultEntries: 100,

  eventPageEntries: 1000,
  eventPageDefaultEntries: 100,
  /** How long a stream of events stays silent; clients and relays take longer silence for a lost connection. */
  eventHeartbeatMs: 15 * second,
  eventBytes: 64 * KiB,
  /** Events that wait for the disk; past it nothing more is accepted, so nothing more happens. */
  queuedEventBytes: 32 * MiB,
  eventLogBusyMs: 2 * second,
  httpHeaderBytes: 16 * KiB,
  /** Read from the store and sent to a client at a time. */
  httpSendBytes: 64 * KiB,
  httpJsonBytes: 1 * MiB,
  /** Of a login: anybody may send one, so it is little. A name and a password fit, each byte of them escaped. */
  httpLoginBytes: 16 * KiB,
  httpUserAgentLength: 255,
  /** Mistakes of one entry that an answer lists. */
  problemErrors: 100,
  /** Of the place in a request that a problem document names: the client chose it. */
  problemFieldLength: 200,
  /** From the first byte of a request, or from the connection, to the end of its header section. */
  httpHeadersMs: 20 * second,
  /** In each such time httpProgressBytes of a request's content are to come, or the rest of it. */
  httpRequestMs: 60 * second,
  httpProgressBytes: 16 * KiB,
  /** How long a connection waits for its next request. */
  httpKeepAliveMs: 30 * second,
  /** How long a connection may stand still while a request is answered. */
  httpIdleMs: 60 * second,
  /** How often httpHeadersMs and httpRequestMs are looked at, so how late each may be noticed. */
  httpCheckMs: 1 * second,
  /** How long a client that sent what is no request has for reading the answer. */
  httpLingerMs: 2 * second,
  httpRetryAfterMs: 5 * second,
  /** A result of AWS Lambda as JSON, binary content in base64. */
  lambdaResultBytes: 6 * MiB,
  /** A function begins nothing new when so little of its time is left: a webhook or a mail may take as long. */
  functionEndMs: 20 * second,
  /** Of a file that a function makes another file of: it is read and written within one call, beside others. */
  functionContentBytes: 4 * GiB,
  /** The same for pushes and pulls: one that has begun then has the rest until functionEndMs. */
  transfersEndMs: 3 * minute,
  /** How often a queue delivers a message, unless the environment says otherwise, and the most that SQS knows. */
  queueReceives: 5,
  mostQueueReceives: 1000,
  /** How long the HTTP API waits until a file is back from quarantine, before its own answer would be too late. */
  releaseCallMs: 22 * second,
  /** How long an event is kept for the verdict of a scan: as long as a queue delivers it. */
  heldEventMs: 14 * 24 * 60 * minute,
  /** What AWS takes as the policy of one session. */
  sessionPolicyCharacters: 2048,
  ...awsLimits,
} as const;
