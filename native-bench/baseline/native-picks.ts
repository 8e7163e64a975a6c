import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { serviceCount, serviceStart, serviceTable, slotOf } from '../../engine/memory/slots.ts'
import { seedOf } from '../../engine/policies/dice.ts'
import type { Attachment } from '../../engine/router/attachment.ts'
import { compiled } from './compile.ts'

/** Policies that native/policies.h has. */
export const NATIVE_POLICIES = [
  'round-robin',
  'random',
  'weighted-round-robin',
  'least-request',
  'maglev',
  'ring-hash',
] as const
export type NativePolicy = (typeof NATIVE_POLICIES)[number]

/** The place of the only service. */
const SERVICE = 0

/**
 * A policy in C++ that picks and settles on a copy of a region, in a process of its own: as this thread would from here on, with the same dice.
 */
export class NativePicks {
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #answers: Interface

  private constructor(folder: string, program: ChildProcess) {
    this.#folder = folder
    this.#process = program
    this.#answers = createInterface({ input: program.stdout! })
  }

  /** Of the region's one service, by whoever has this seat. Undefined where nothing can be compiled. */
  static async begin(policy: NativePolicy, attachment: Attachment): Promise<NativePicks | undefined> {
    const program = await compiled('picks')
    if (program === undefined) return undefined
    const { region, seat } = attachment
    const { layout } = region
    const slot = slotOf(attachment.catchUp())
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-picks-'))
    const file = join(folder, 'region')
    writeFileSync(file, new Uint8Array(region.buffer))
    // In the order of struct Places.
    const places = [
      ...[layout.endpointsAt, layout.servicesAt, layout.inflightAt, layout.inflightStride],
      ...[layout.gaugesAt, layout.gaugesStride, layout.totalsAt, layout.totalsStride],
      ...[layout.rows, seat, SERVICE, serviceStart(region, slot, SERVICE), serviceCount(region, slot, SERVICE)],
      serviceTable(region, slot, SERVICE),
    ]
    const args = [file, policy, seedOf(region, seat, SERVICE), ...places].map(String)
    return new NativePicks(folder, spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** The rows of the next picks; the i-th with i × 0x9e3779b1 as its key. */
  async pick(times: number): Promise<number[]> {
    return (await this.#ask(`pick ${times}`)).trim().split(' ').map(Number)
  }

  /** What so many picks take with their settles, in ns. */
  async time(times: number): Promise<number> {
    return Number(await this.#ask(`time ${times}`))
  }

  async close(): Promise<void> {
    this.#process.stdin!.end()
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #ask(line: string): Promise<string> {
    this.#process.stdin!.write(`${line}\n`)
    const [answer] = (await once(this.#answers, 'line')) as [string]
    return answer
  }
}
