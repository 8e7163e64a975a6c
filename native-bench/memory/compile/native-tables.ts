import { type Member, UNITS_PER_WEIGHT } from '../../../engine/policies/tables/member.ts'
import { AskedProgram } from '../asked-program.ts'

/** The builders of tables in C++, for one list of members: native/tables.cc. */
export class NativeTables {
  readonly #program: AskedProgram

  private constructor(program: AskedProgram) {
    this.#program = program
  }

  /** Keys of one word, whole weights. Undefined where nothing can be compiled. */
  static async begin(members: readonly Member[]): Promise<NativeTables | undefined> {
    const program = await AskedProgram.begin('tables', [])
    if (program === undefined) return undefined
    const lines = members.map(({ key, weight }) => `${key} ${weight * UNITS_PER_WEIGHT}`)
    program.tell([`members ${members.length}`, ...lines].join('\n'))
    return new NativeTables(program)
  }

  /** Builds a table and says how long that took, ns. */
  async maglev(size: number): Promise<number> {
    return Number(await this.#program.ask(`maglev ${size}`))
  }

  async ring({ min, max }: { min: number; max: number }): Promise<number> {
    return Number(await this.#program.ask(`ring ${min} ${max}`))
  }

  /** The table that was built last. */
  async entries(): Promise<number[]> {
    return this.#program.numbers('entries')
  }

  async points(): Promise<number[]> {
    return this.#program.numbers('points')
  }

  close(): Promise<void> {
    return this.#program.close()
  }
}
