// The command line. Every command is thin: what it does is done by core, what it prints is here.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { home } from './course/find.ts'
import { asSeesawError, exitCodeOf } from './errors.ts'
import { metrics } from './measurement/metrics.ts'
import { holdMine } from './mine/hold.ts'

const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
  version: string
}

/** Runs the command line and sets the exit code: 0 good, 1 not as declared, 2 wrong use, 3 not available here. */
export const run = async (words: string[]): Promise<void> => {
  try {
    await commands().parseAsync(words, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2
      return
    }
    const known = asSeesawError(error)
    if (known.code === 'INTERNAL') console.error(known.cause)
    console.error(`seesaw: ${known.message} [${known.code}]`)
    process.exitCode = exitCodeOf(known.code)
  }
}

const commands = (): Command => {
  const program = new Command('seesaw')
    .description(
      'A playground for backend trade-offs: flip a variant, change its backend, see what it costs.',
    )
    .version(version)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', examples)

  program
    .command('start')
    .description(
      'start the playground: the page and its API, and the lab that serves the scenarios',
    )
    .option(
      '--port <port>',
      'the port of the page and its API (default: from scenarios.config.ts, 3000)',
      between(0, 65_535),
    )
    .option(
      '--lab-port <port>',
      'the port of the scenarios (default: from scenarios.config.ts, 3001)',
      between(0, 65_535),
    )
    .option('--workers <n>', 'server processes that share the lab’s port', between(1, 64))
    .option('--data <folder>', 'where keys, files and databases are kept')
    .option('--open', 'open the page in a browser')
    .option('--host <address>', 'let the scenarios listen on another address than 127.0.0.1')
    .option(
      '--expose-unsafe-variants',
      'yes, let other machines reach variants that are unsafe on purpose',
    )
    .action(async (options) => (await import('./commands/start.ts')).start(options))

  program
    .command('list')
    .description('list the scenarios, their variants and claims')
    .option('--json', 'as JSON')
    .option(...ownVariants)
    .action(async (options) => {
      await holdMine([], options.data)
      await (await import('./commands/list.ts')).list(options)
    })

  program
    .command('doctor')
    .description('say which backends can be used here, and what would enable the others')
    .option('--json', 'as JSON')
    .action(async (options) => (await import('./commands/doctor.ts')).doctor(options))

  program
    .command('prove')
    .description('prove the claims: each must hold or break as its scenario declares')
    .argument('[targets...]', 'scenarios, variants or setups (default: every scenario)')
    .option('--backends <names>', 'a,b,… or all (default: those inside the process)', listOf)
    .option('--claims <ids>', 'a,b,… (default: all)', listOf)
    .option(
      '--workers <n>',
      'server processes; at least as many as the claims need',
      between(1, 64),
    )
    .option('--json', 'as JSON; progress goes to standard error')
    .addOption(
      new Option('--progress <how>', 'progress as one JSON object per line').choices(['json']),
    )
    .option(...ownVariants)
    .action(async (targets, options) => {
      await holdMine(targets, options.data)
      await (await import('./commands/prove.ts')).proveTargets(targets, options)
    })

  program
    .command('try')
    .description('run one exercise and print the conversation')
    .argument('<setup>', 'e.g. session-vs-token/signed-token')
    .argument('[exercise]', 'the id of a claim (default: the first)')
    .option('--json', 'as JSON')
    .option(...ownVariants)
    .action(async (setup, exercise, options) => {
      await holdMine([setup], options.data)
      await (await import('./commands/try.ts')).tryExercise(setup, exercise, options)
    })

  running(program.command('toggle'))
    .description('change what the running lab serves at /run/<scenario>/live/')
    .argument('<scenario>')
    .argument('[changes...]', '[variant] [kind=backend …] [knob=value …]')
    .option('--reset', 'back to the first variant, the default backends and knobs')
    .action(async (scenario, changes, options) =>
      (await import('./commands/toggle.ts')).toggle(scenario, changes, options),
    )

  running(program.command('reset'))
    .description(
      'empty what a setup of the running lab has stored (default: what every live one has)',
    )
    .argument('[setup]')
    .action(async (setup, options) => (await import('./commands/reset.ts')).reset(setup, options))

  running(program.command('progress'))
    .description(
      'your calls, what came of them, and how far you are; works without a running Seesaw',
    )
    .option('--export <file>', 'keep all of it in a file')
    .option('--import <file>', 'add what another file has')
    .option('--reset [scenario]', 'forget one scenario, or all')
    .option('--undo', 'take the last reset or import back')
    .action(async (options) => (await import('./commands/progress.ts')).progress(options))

  running(program.command('curl'))
    .description('print curl and autocannon lines for a setup of the running lab, ready to use')
    .argument('<setup>')
    .option('--workload <id>', 'one of the scenario’s workloads (default: the first)')
    .action(async (setup, options) => {
      await holdMine([setup], options.data)
      await (await import('./commands/curl.ts')).curl(setup, options)
    })

  benchCommands(program)
  return program
}

/** Measurements, and what is made of them. Only these load the harness. */
const benchCommands = (program: Command): void => {
  const bench = program
    .command('bench')
    .description('measure which is faster, by how much, and say what can be claimed')
    .argument('[targets...]', 'a scenario, or setups of one; the same setup twice shows the noise')
    .option('--variants <names>', 'a,b,… (default: all)', listOf)
    .option('--backends <names>', 'each variant on each of these (default: as configured)', listOf)
    .option('--workers <n>', 'server processes of each contender (default: 1)', between(1, 64))
    .option('--workload <id>', 'one of the scenario’s workloads (default: the first)')
    .option('--knob <name=value>', 'may be said several times', pair)
    .addOption(
      new Option(
        '--preset <effort>',
        'how hard to look for small differences (default: quick)',
      ).choices(['duel', 'quick', 'standard', 'strict', 'publish']),
    )
    .addOption(
      new Option(
        '--load <model>',
        'a schedule, as fast as it goes, or both (default: both)',
      ).choices(['open', 'closed', 'both']),
    )
    .option(
      '--rate <n>',
      'requests per second of the open load (default: at most half of what the slower one can take)',
      between(1, 1_000_000),
    )
    .addOption(
      new Option('--arrivals <pattern>', 'of the open load (default: poisson)').choices([
        'even',
        'poisson',
      ]),
    )
    .addOption(
      new Option(
        '--metric <name>',
        'what the verdict is about (default: the scenario’s primary)',
      ).choices(metrics.filter((metric) => metric !== 'gc' && metric !== 'rss')),
    )
    .option('--blocks <n>', 'in place of the preset’s number', between(1, 1_000))
    .option(
      '--seed <n>',
      'the same seed, the same order, schedule and requests',
      between(0, 2 ** 31 - 1),
    )
    .option('--fault <what>', 'kill:redis@10 or heal:redis@20 (seconds); several times', fault)
    .option('--plan <name>', 'a plan of bench/plans/, or a file like them')
    .option(
      '--json [file]',
      'keep everything that was measured, after every block; of compare, without a file, on the terminal',
    )
    .option('--md <file>', 'verdicts and table as Markdown')
    .option('--html <file>', 'the whole report, one file')
    .option('--resume <file>', 'go on with a measurement that was interrupted')
    .option('--self-test', 'prove the harness on this machine; with --quick the short way')
    .option('--quick', 'with --self-test')
    .addOption(
      new Option('--progress <how>', 'progress as one JSON object per line').choices(['json']),
    )
    .addOption(new Option('--scenarios <folder>', 'another folder of scenarios').hideHelp())
    .addHelpText('after', benchExamples)
    .option(...ownVariants)
    .action(async (targets, options) => {
      const { bench } = await import('../bench/command/measure.ts')
      await bench(targets, options, holdMineFrom(options))
    })

  bench
    .command('micro')
    .description('compare functions, each in a process of its own')
    .argument('[name]', 'one of the comparisons; without it they are listed')
    .action(async (name, _, command) => {
      const { micro } = await import('../bench/command/micro.ts')
      await micro(name, command.optsWithGlobals())
    })

  bench
    .command('capacity')
    .description('how much one setup can take: latency at ten rates, and the knee')
    .argument('[setup]', 'e.g. rate-limits/gcra@redis; none with --resume')
    .option('--seconds <n>', 'how long each rate is held, twice (default: 3)', between(1, 600))
    .action(async (setup, _, command) => {
      const { capacity } = await import('../bench/command/capacity.ts')
      const options = command.optsWithGlobals()
      await capacity(setup, options, holdMineFrom(options))
    })

  bench
    .command('report')
    .description('the report of a stored measurement again; without a file, on the terminal')
    .argument('<run.json>')
    .option('--html <file>', 'as one HTML file')
    .option('--md <file>', 'as Markdown')
    .option('--capacity <file>', 'with the curve of a capacity; several times', collect)
    .action(async (file, _, command) => {
      const { report } = await import('../bench/command/report.ts')
      await report(file, command.optsWithGlobals())
    })

  bench
    .command('compare')
    .description('was the change slower? 0 same or better, 1 worse, 3 not comparable')
    .argument('<old.json>')
    .argument('<new.json>')
    .option('--md <file>', 'as Markdown')
    .action(async (older, newer, _, command) => {
      const { compare } = await import('../bench/command/compare.ts')
      await compare(older, newer, command.optsWithGlobals())
    })
}

/** Which targets there are, a plan or a stored measurement may say; only the harness reads those. */
const holdMineFrom =
  ({ data }: { data?: string }) =>
  (targets: readonly string[]): Promise<void> =>
    holdMine(targets, data)

/** The folder in which variants of one's own are kept. */
const ownVariants = [
  '--data <folder>',
  'also variants of your own, from this data folder (default: where one is named)',
] as const

const benchExamples = `
Examples:
  seesaw bench session-vs-token --variants server-session,signed-token
  seesaw bench rate-limits/gcra@memory rate-limits/gcra@redis --preset standard --html report.html
  seesaw bench rate-limits/gcra rate-limits/gcra
  seesaw bench compare old.json new.json

Exit codes: 0 measured, 1 a run that cannot be trusted, 2 wrong use, 3 not available here, 130 interrupted.`

/** The options of commands that speak to a Seesaw that is running. */
const running = (command: Command): Command =>
  command
    .option(
      '--port <port>',
      'the port of the running Seesaw (default: the last one started)',
      between(1, 65_535),
    )
    .option('--data <folder>', 'the data folder of the running Seesaw')
    .option('--json', 'as JSON')

const examples = `
Examples:
  seesaw start --open
  seesaw toggle rate-limits gcra limiter=redis limit=5
  seesaw try session-vs-token/signed-token
  seesaw prove session-vs-token --backends all

Exit codes: 0 good, 1 not as declared, 2 wrong use, 3 what was asked is not available here.`

const between =
  (least: number, most: number) =>
  (text: string): number => {
    const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
    if (number >= least && number <= most) return number
    throw new InvalidArgumentError(`'${text}' is no whole number from ${least} to ${most}.`)
  }

const pair = (text: string, before: Record<string, string> = {}): Record<string, string> => {
  const [, name, value] = /^([^=]+)=([^=]+)$/.exec(text) ?? []
  if (name && value) return { ...before, [name]: value }
  throw new InvalidArgumentError(`'${text}' is no name=value.`)
}

const collect = (text: string, before: string[] = []): string[] => [...before, text]

const fault = (text: string, before: Fault[] = []): Fault[] => {
  const [, what, backend = '', seconds] =
    /^(kill|heal):([a-z]+)@(\d{1,4}(?:\.\d+)?)$/.exec(text) ?? []
  if (what) return [...before, { atMs: Number(seconds) * 1000, do: what as Fault['do'], backend }]
  throw new InvalidArgumentError(`'${text}' is no fault. One looks like kill:redis@10.`)
}

interface Fault {
  atMs: number
  do: 'kill' | 'heal'
  backend: string
}

const listOf = (text: string): string[] => {
  const names = text.split(',').filter(Boolean)
  if (names.length > 0) return names
  throw new InvalidArgumentError('Name at least one, or all.')
}
