import { AskedProgram } from '../asked-program.ts'
import type { Moved } from './course.ts'
import { CAPACITY } from './ends.ts'

/** The same in C++, with threads of its own: native/ring.cc. */
export class NativeCourse {
  readonly #program: AskedProgram
  readonly #writers: number

  private constructor(program: AskedProgram, writers: number) {
    this.#program = program
    this.#writers = writers
  }

  /** Undefined where nothing can be compiled. */
  static async begin(kind: 'one' | 'many', bytes: number, writers: number): Promise<NativeCourse | undefined> {
    const program = await AskedProgram.begin('ring', [kind, CAPACITY, bytes, writers])
    return program === undefined ? undefined : new NativeCourse(program, writers)
  }

  async move(recordsEach: number): Promise<Moved> {
    return this.#moved(`move ${recordsEach}`, recordsEach * this.#writers)
  }

  async moveAlone(records: number, atOnce: number): Promise<Moved> {
    return this.#moved(`alone ${records} ${atOnce}`, records)
  }

  async ping(times: number, groups: number): Promise<readonly number[]> {
    return this.#program.numbers(`ping ${times} ${groups}`)
  }

  close(): Promise<void> {
    return this.#program.close()
  }

  /** It does not come back before all of them are read. */
  async #moved(line: string, records: number): Promise<Moved> {
    const [ns, sum, faults] = (await this.#program.numbers(line)) as [number, number, number]
    return { ns, records, sum, faults }
  }
}
