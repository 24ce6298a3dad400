import type { ChaosRunnerSettings } from './chaos-runner.ts'

/** The parts of a run that a launcher needs to know. */
export interface ChaosScene {
  /** The run's folder. */
  dir: string
  /** Identifies the run's database. Only what carries its name is killed or listed. */
  instanceId: string
}

/** A trainer that was ended from outside the platform. */
export interface Kill {
  /** The kind of kill, for the statistics. */
  how: string
  /** The attempt's name. */
  attempt: string
  /** `JOB-ATTEMPT`, if the kill removed the name at once and the process can run for some time after it. */
  overlapping?: string | undefined
}

export type LauncherSettings = Pick<
  ChaosRunnerSettings,
  'launcher' | 'sandbox' | 'image' | 'docker' | 'kubernetes' | 'maxConcurrentJobs' | 'temporal'
>

/** What a chaos run needs from a launcher: how to kill a trainer from outside, and how to find what is left at the end. */
export interface ChaosLauncher {
  settings: LauncherSettings
  /** Settings that let trainers reach the witness, where a network policy limits them to named addresses. */
  allowWitness?(port: number): Partial<LauncherSettings>
  /** The address of this machine that trainers reach. Default: loopback. */
  address?: string | undefined
  /** How many jobs are in progress at a time. Default: 14. */
  concurrency?: number | undefined
  /** Factor for the length of jobs. Where a start takes long, short jobs would leave few running trainers. Default: 1. */
  pace?: number | undefined
  /** What else can be killed, and how often relative to the others. */
  victims?: readonly [victim: string, share: number][] | undefined
  /** Kills one of `victims`. Returns what brings it back, and within which time that must happen. */
  killVictim?(victim: string): Promise<{ withinMs: number; restore: () => Promise<void> }>
  /** Called before the first runner starts. */
  open?(dir: string): Promise<void>
  /** Ends one running trainer, as its machine or a person would do it. Undefined: none is running. */
  killTrainer(scene: ChaosScene, random: () => number): Promise<Kill | undefined>
  /** Processes, containers, pods and folders of attempts that exist. */
  leftovers(scene: ChaosScene): Promise<string[]>
  /** Called after the last runner. Removes everything that the run created. */
  close?(scene: ChaosScene): Promise<void>
}
