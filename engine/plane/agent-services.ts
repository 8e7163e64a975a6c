import { CLASS_NAMES } from '../memory/classes.ts'
import type { Region } from '../memory/region.ts'
import { ServiceTable } from '../memory/service-table.ts'
import { POLICIES } from '../policies/registry.ts'
import { refused } from './refuse.ts'

/** The service table as agents write it. Throws SBX_PUBLICATION_REFUSED for a word that is another's, and for what is no value. */
export class AgentServices extends ServiceTable {
  readonly #region: Region

  constructor(region: Region) {
    super(region)
    this.#region = region
  }

  /** The agent's word: the operator has another. */
  override setShedFrom(service: number, from: number): void {
    this.setShedByAgent(service, from)
  }

  override setShedByAgent(service: number, from: number): void {
    if (!Number.isInteger(from)) this.#invalid('shedFrom', from, 0, CLASS_NAMES.length - 1)
    this.#within('shedFrom', from, 0, CLASS_NAMES.length - 1)
    super.setShedByAgent(service, from)
  }

  override setAdmitted(service: number, requests: number): void {
    if (!Number.isInteger(requests)) this.#invalid('admitted', requests, 0, 2 ** 30)
    this.#within('admitted', requests, 0, 2 ** 30)
    super.setAdmitted(service, requests)
  }

  override setTrust(service: number, share: number): void {
    this.#within('trust', share, 0, 1)
    super.setTrust(service, share)
  }

  override setPolicy(service: number, policy: number, isPassing: boolean): void {
    if (!Number.isInteger(policy)) this.#invalid('policy', policy, 0, POLICIES.length)
    this.#within('policy', policy, 0, POLICIES.length)
    super.setPolicy(service, policy, isPassing)
  }

  override raisePullMax(service: number, pull: number): void {
    this.#within('pullMax', pull, 0, 2 ** 30)
    super.raisePullMax(service, pull)
  }

  override setRowsPeak(): never {
    throw refused(this.#region, 'not-owned', 'say how many endpoints there were as an agent')
  }

  override begin(): never {
    throw refused(
      this.#region,
      'not-owned',
      'begin a service as an agent',
      'edits of the structure do it, use writer.edit()',
    )
  }

  #within(word: string, value: number, least: number, most: number): void {
    if (!(value >= least && value <= most)) this.#invalid(word, value, least, most)
  }

  #invalid(word: string, value: number, least: number, most: number): never {
    throw refused(
      this.#region,
      'invalid',
      `set ${word}`,
      `${value} is no value for it, use one from ${least} to ${most}`,
    )
  }
}
