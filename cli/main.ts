// The command line: finds the command, runs it, turns errors into words and an exit status.
//   0 done · 1 done, and the answer is no (a check failed, a migration failed) · 2 asked for wrongly · 70 our own bug
import { InputError } from '../core/base/errors.js'

interface Command {
  readonly usage: string
  readonly summary: string
  /** Loaded only when used. Resolves to the exit status. */
  readonly load: () => Promise<(args: string[]) => Promise<number>>
}

const commands: Readonly<Record<string, Command>> = {
  labs: {
    usage: 'labs [--json F]',
    summary: 'list the labs',
    load: async () => (await import('./labs.js')).labsCommand,
  },
  run: {
    usage:
      'run <lab> --solve [--guest NAME] [--seed N] [--json F] [--report F.html] [--pcap DIR] [--live wireshark|tshark|-]',
    summary: "play a lab's reference solution; the exit status is 0 only if every check passed",
    load: async () => (await import('./run.js')).runCommand,
  },
  migrate: {
    usage:
      'migrate [--profile kvm|qemu|xen|xend|vmware-6.0|vmware-6.7|vmware-encrypted] [--guest NAME] [--ram 16MiB] [--fill 8MiB] [--disk 4MiB] [--working-set 1MiB] [--dirty-rate 2000/s] [--no-secrets] [--qemu-board] [--guest-option NAME=VALUE]... [--paused] [--bandwidth 1Gbit] [--latency 100us] [--jitter 1ms] [--loss 1%] [--duplicate 1%] [--reorder 1%] [--corrupt 0.1%] [--queue 64KiB] [--congestion cubic|newreno] [--no-sack] [--strategy precopy|stop-and-copy|postcopy|hybrid|cold] [--channel NAME] [--host-cpu libraries|aes|no-aes|measured] [--destination-cpu same|libraries|aes|no-aes|measured] [--costs F.yaml] [--skip-peer-check] [--shaping none|padding|constant-rate] [--shaping-rate 64MiB/s] [--downtime-limit 300ms] [--max-bandwidth 128MiB/s] [--max-postcopy-bandwidth 0] [--rounds-min 0] [--rounds 30] [--stop-rule qemu|whole-rounds|xen|xen-legacy] [--pause-before-switchover 100ms] [--zero-page-detection none|legacy|multifd] [--xbzrle] [--xbzrle-cache-size 64MiB] [--compression none|zlib] [--multifd-channels N] [--auto-converge] [--cpu-throttle-initial 20] [--cpu-throttle-increment 10] [--max-cpu-throttle 99] [--throttle-trigger-threshold 50] [--vcpu-dirty-limit 1MiB/s] [--postcopy-after-rounds 3] [--postcopy-prepaging 0] [--copy-storage] [--zero-blocks] [--seed N] [--leak] [--json F] [--pcap F.pcapng] [--live wireshark|tshark|-] [--stream F.qevm]',
    summary:
      'migrate one guest in a laboratory network and measure it; the capture is that of the mirror port. With --paused the guest is stopped before, and arrives stopped',
    load: async () => (await import('./migrate.js')).migrateCommand,
  },
  channels: {
    usage: 'channels [--json F]',
    summary: 'list the ways of protecting a migration, and what each is good for',
    load: async () => (await import('./channels.js')).channelsCommand,
  },
  sweep: {
    usage: 'sweep <spec.yaml|example> [--jobs N] [--output DIR] [--fresh]',
    summary:
      'migrate over a grid of channels, strategies and workloads, on all cores; goes on where it stopped, and writes CSV and a chart of downtime against leakage',
    load: async () => {
      const { sweepCommand } = await import('./sweep.js')
      return (args) => sweepCommand(args)
    },
  },
  predict: {
    usage:
      'predict [--ram 1GiB] [--fill 512MiB] [--working-set 64MiB] [--dirty-rate 10000/s] [--random] [--bandwidth 1Gbit] [--latency 100us] [--max-bandwidth 0] [--downtime-limit 300ms] [--stop-rule whole-rounds|qemu] [--rounds 30] [--seed N] [--json F]',
    summary:
      'foretell a pre-copy migration by its closed form, and do it with a guest that has such rates and no octets',
    load: async () => (await import('./predict.js')).predictCommand,
  },
  reproduce: {
    usage: 'reproduce <measurements.csv> [--json F]',
    summary:
      'do with the engine what a real QEMU was measured doing, and compare; the exit status is 0 only if every group of repeats agrees',
    load: async () => (await import('./reproduce.js')).reproduceCommand,
  },
  network: {
    usage:
      'network <plan.yaml|example> [--seed N] [--json F] [--pcap DIR] [--live wireshark|tshark|-] [--tap NAME] [--check]',
    summary:
      'build a network from a file and do what its script says; the exit status is 0 only if all ended as expected',
    load: async () => (await import('./network.js')).networkCommand,
  },
  fleet: {
    usage:
      'fleet [scenario.yaml|example] [--hosts 4] [--guests 8] [--policy balance|consolidate|evacuate] [--seconds 30] [--seed N] [--json F] [--pcap F.pcapng]',
    summary:
      'let an orchestrator place guests on up to 40 hosts; the capture is that of its port. The exit status is 0 only if every guest is alive at the end',
    load: async () => (await import('./fleet.js')).fleetCommand,
  },
  transfer: {
    usage:
      'transfer [--size 64MiB] [--bandwidth 1Gbit] [--latency 10ms] [--loss 1%] [--jitter 1ms] [--reorder 1%] [--queue 256KiB] [--congestion cubic|newreno] [--no-sack] [--ipv6] [--seed N] [--json F] [--pcap F.pcapng]',
    summary: 'send octets over one TCP connection through a switch, and compare with what theory predicts',
    load: async () => (await import('./transfer.js')).transferCommand,
  },
  calibrate: {
    usage: 'calibrate [--of native|libraries] [--output costs.yaml] [--sample 20ms] [--json F]',
    summary:
      'measure what cryptography costs this machine; the file it writes is for migrate --costs and for the scenario of a lab',
    load: async () => (await import('./calibrate.js')).calibrateCommand,
  },
  analyse: {
    usage: 'analyse <file.pcapng|.pcap|.qevm, also .gz> [--json F] [--dump-ram DIR]',
    summary: "the attacker's tool on a capture from outside",
    load: async () => (await import('./analyse.js')).analyseCommand,
  },
  packets: {
    usage:
      'packets <file.pcapng|.pcap, also .gz> [-Y FILTER] [-V] [-x] [--packet N] [--fields NAME,...] [--follow STREAM] [--conversations eth|ip|ipv6|tcp|udp] [--hierarchy] [-w OUT.pcapng [--secrets KEYLOG]] [--json F]',
    summary:
      "list a capture's packets, in detail with -V and in octets with -x; filters and fields are named as in Wireshark; -w writes what the filter finds, --secrets the TLS keys that open it",
    load: async () => (await import('./packets.js')).packetsCommand,
  },
  attack: {
    usage:
      'attack [NAME [--against CONFIGURATION] | --list | --matrix [NAME] | --document] [--seed S] [--json F] [--pcap F]',
    summary:
      'play an attack of the catalogue against a configuration: how it ended and what proves it; --matrix plays each against each. The exit status is 0 if it ended as the catalogue says it must',
    load: async () => (await import('./attack.js')).attackCommand,
  },
  fuzz: {
    usage: 'fuzz [--seed S] [--runs 50000] [--fix NAME|all]... [--json F] [--out DIR]',
    summary:
      'try a program that receives migrations with hostile streams: what it crashes by, and the least that brings that about. The exit status is 0 only if nothing does',
    load: async () => (await import('./fuzz.js')).fuzzCommand,
  },
  boot: {
    usage:
      'boot <image.elf|.bin> [--flat] [--ram 16MiB] [--exit-on tohost] [--max-instructions N] [--max-time 10s] [--input F] [--json F] | boot --incoming F.qevm',
    summary:
      'run a program on the machine alone, its console here; on a terminal one types, and Ctrl+] ends. The exit status is 1 if the program says it failed. With --incoming a guest goes on that migrate --stream or a real QEMU saved',
    load: async () => (await import('./boot.js')).bootCommand,
  },
  serve: {
    usage: 'serve [--port N] [--host ADDRESS] [--open]',
    summary: 'show the window in a browser, from this machine alone',
    load: async () => (await import('./serve.js')).serveCommand,
  },
}

function help(): string {
  const lines = Object.values(commands).map(({ usage, summary }) => `  ${usage}\n      ${summary}`)
  return ['npm run -s midstream -- <command>', '', ...lines, ''].join('\n')
}

function isUsageError(error: unknown): error is Error {
  if (error instanceof InputError) return true
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(help())
    return name === undefined ? 2 : 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) {
    process.stderr.write(
      `midstream: there is no command '${name}'; there are: ${Object.keys(commands).join(', ')}, help\n`,
    )
    return 2
  }
  if (args.includes('--help')) {
    process.stdout.write(`npm run -s midstream -- ${command.usage}\n\n${command.summary}\n`)
    return 0
  }
  try {
    return await (
      await command.load()
    )(args)
  } catch (error) {
    if (isUsageError(error)) {
      process.stderr.write(`midstream ${name}: ${error.message}\nusage: midstream ${command.usage}\n`)
      return 2
    }
    process.stderr.write(
      `midstream ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    return 70
  }
}

// A reader that went away (`| head`) is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
process.exitCode = await main(process.argv.slice(2))
