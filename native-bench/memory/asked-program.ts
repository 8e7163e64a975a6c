import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { compiled } from '../baseline/compile.ts'

/** No line takes nearly as long to answer, in ms. */
const PATIENCE_MS = 60_000

/** A program of baseline/native/ in a process of its own, which answers each line with one. */
export class AskedProgram {
  readonly #process: ChildProcess
  readonly #answers: AsyncIterator<string>

  private constructor(program: ChildProcess) {
    this.#process = program
    // That it has ended is told by the answer that does not come.
    program.stdin!.on('error', () => {})
    this.#answers = createInterface({ input: program.stdout! })[Symbol.asyncIterator]()
  }

  /** Undefined where nothing can be compiled. */
  static async begin(name: string, args: readonly (string | number)[]): Promise<AskedProgram | undefined> {
    const program = await compiled(name)
    if (program === undefined) return undefined
    return new AskedProgram(spawn(program, args.map(String), { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** Lines that it answers nothing to. */
  tell(lines: string): void {
    this.#process.stdin!.write(`${lines}\n`)
  }

  /** The line it answers with. Throws where it ends instead. */
  async ask(line: string): Promise<string> {
    this.tell(line)
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE_MS)
    try {
      const { value, done } = await this.#answers.next()
      if (done === true)
        throw new Error(`Cannot measure: the program ended instead of answering "${line.slice(0, 80)}"`)
      return value
    } finally {
      clearTimeout(timer)
    }
  }

  /** The numbers it answers with. */
  async numbers(line: string): Promise<number[]> {
    return (await this.ask(line)).trim().split(' ').map(Number)
  }

  async close(): Promise<void> {
    this.#process.stdin!.end()
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'exit')
  }
}
