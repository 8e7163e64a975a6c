import { randomFillSync } from 'node:crypto'
import type { PolicyConfig } from '../../config/schema.ts'
import { completeOptions } from '../../policies/policy-options.ts'
import { findPolicy } from '../../policies/registry.ts'

/** A session that has just begun: its id, and the line of the response that gives it to the downstream. */
export interface NewSession {
  readonly id: string
  readonly line: string
}

/**
 * The cookie that names a session where the downstream has no name of its own. It says nothing of the endpoint: who reads
 * or guesses one learns nothing, and who makes one up gets a session like any other.
 *
 * It has no Max-Age: it lasts as long as the browser keeps it open, and how long the session does the table says, whose
 * time runs from the last request. A Max-Age would run from the first, and end sessions in the middle of their use.
 */
export class SessionCookie {
  readonly name: string
  #prepared: string | undefined

  constructor(name: string) {
    this.name = name
  }

  /** The id of the session that begins next: for who has to know it before. */
  prepare(): string {
    return (this.#prepared ??= newId())
  }

  begin(isSecure: boolean): NewSession {
    const id = this.#prepared ?? newId()
    this.#prepared = undefined
    return { id, line: `${this.name}=${id}; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}` }
  }
}

/** The name of the cookie that the proxy gives under a policy; undefined where it gives none. */
export function cookieOf(policy: PolicyConfig): string | undefined {
  const found = findPolicy(policy.name)
  if (found?.keepsSessions !== true) return undefined
  const { hash = {} } = policy
  return Object.keys(hash).length === 0 ? String(completeOptions(found.options, policy).cookie) : hash.cookie
}

/** 128 random bits: nobody guesses the session of another. */
const ID_BYTES = 16
/** Bits are drawn for 256 ids at once: a system call for each would cost more than the pick. */
const pool = Buffer.alloc(256 * ID_BYTES)
let used = pool.length

function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  return pool.toString('base64url', used, (used += ID_BYTES))
}
