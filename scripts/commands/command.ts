/** One word of the command line. */
export interface Command {
  name: string
  /** What follows the name: `--config FILE`. */
  usage: string
  /** One line for the overview. */
  summary: string
  /** The rest of what `help COMMAND` says, wrapped at 100 columns. */
  details: string
  /** Resolves with the exit code. */
  run(args: string[]): Promise<number>
}
