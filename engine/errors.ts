/**
 * Every error a caller can meet, by code. The message a person reads is made where it happens ("Cannot …: state, wish");
 * the code is what a program may rely on, so a code is never reused for something else.
 */
export const ERROR_CODES = {
  SBX_ADMIN_BUSY: 'the admin listener has as many of these as it allows',
  SBX_ADMIN_FAILED: 'the admin listener met a fault of its own',
  SBX_ADMIN_FORBIDDEN: 'the request may not change or read this',
  SBX_ADMIN_INVALID: 'the request to the admin listener is malformed',
  SBX_ADMIN_NOT_FOUND: 'the admin listener has nothing under this path',
  SBX_AGENT_FAILED: 'an agent could not be started',
  SBX_AGENT_INVALID: 'an agent, signal or roster is not described as it must be',
  SBX_AGENT_SILENT: 'no agent has answered in time',
  SBX_AGENT_UNKNOWN: 'there is no agent of this name',
  SBX_BOX_CLOSED: 'the box was closed before this call',
  SBX_BREAKER_OPEN: 'what is left of the service has open breakers',
  SBX_CERTIFICATE_INVALID: 'a certificate, its key or a list of authorities cannot be used',
  SBX_CONFIG_FIXED: 'the config asks for what cannot change in a running process',
  SBX_CONFIG_INVALID: 'the config does not say what it must',
  SBX_CONFIG_UNREADABLE: 'the config file cannot be read',
  SBX_CONTROL_ABSENT: 'there is no control plane, or none that can do this',
  SBX_ENDPOINT_EXISTS: 'the service already has an endpoint of this id',
  SBX_ENDPOINT_INVALID: 'the endpoint is not described as it must be',
  SBX_ENDPOINT_UNKNOWN: 'the service has no endpoint of this id',
  SBX_LISTEN_FAILED: 'an address cannot be listened on',
  SBX_NO_ENDPOINT: 'no endpoint of the service may be picked now',
  SBX_NO_QUORUM: 'this node is in the part of a partition that decides nothing',
  SBX_OPERATION_REFUSED: 'the cluster orchestrator has not begun the operation',
  SBX_OPERATION_UNKNOWN: 'there is no operation of this id, or not any more',
  SBX_OVERLOADED: 'the service, or every open endpoint of it, has as many requests as it may have',
  SBX_PARTICIPANTS_INSUFFICIENT: 'too few of the agents that are to take part are there',
  SBX_PUBLICATION_REFUSED: 'an agent asked for what it may not do to the tables, and nothing was changed',
  SBX_REGION_FULL: 'the region has no room left for this',
  SBX_REGION_LAYOUT_MISMATCH: 'the region was made by a build with another layout',
  SBX_REGION_MISSING: 'there is no region to attach to',
  SBX_REGION_SEATS_TAKEN: 'every seat of the region is taken by an attached thread',
  SBX_REGION_WRITER_BUSY: 'another thread is publishing and does not finish',
  SBX_RETRY_BUDGET_SPENT: 'as many second tries as the service allows are under way',
  SBX_RING_INVALID: 'the ring is not described as it must be',
  SBX_RING_SEATS_TAKEN: 'every seat of the ring, or the one asked for, is taken by a writer',
  SBX_SERVICE_UNKNOWN: 'there is no service of this name',
  SBX_SHED: 'requests of this class are turned away for now',
  SBX_SIGNAL_INVALID: 'the signal is no event, or carries something else than its type promises',
  SBX_SIGNAL_REFUSED: 'whoever listens to the signal has no room for it',
  SBX_SIGNAL_UNKNOWN: 'nobody listens to signals of this type',
  SBX_STORE_REFUSED: 'the store that agents agree through does not take this',
  SBX_STORE_SILENT: 'the store that agents agree through has not answered, and what became of the call is unknown',
  SBX_TABLE_INVALID: 'the choice table is not described as it must be',
  SBX_TRACE_UNAVAILABLE: 'requests cannot be traced, a package for it is not installed',
  SBX_UPSTREAM_TLS: 'an endpoint is not to be trusted, or speaks no TLS that we speak',
} as const

/** One of the codes above. */
export type ErrorCode = keyof typeof ERROR_CODES

/** What every part of signalbox throws: an Error with a stable `code`, and the original fault as `cause` where there is one. */
export class SignalboxError extends Error {
  override readonly name = 'SignalboxError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
