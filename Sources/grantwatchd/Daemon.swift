import ByteText
import Dispatch
import Glibc
import Grants
import LinuxKit
import Watchdog

/// The daemon from its arguments to its end; returns the exit status.
func runDaemon(_ arguments: [String]) -> Int32 {
  let options: DaemonOptions
  do {
    options = try DaemonOptions(arguments)
  } catch {
    complain("\(error)")
    return 2
  }
  switch options.action {
  case .help:
    print(DaemonOptions.help)
    return 0
  case .version:
    print("grantwatchd \(Version.text)")
    return 0
  case .checkConfiguration: return checkConfiguration(options.configurationFile)
  case .run: return watch(options)
  case .backstop: return carryOutOverdue(options)
  }
}

private func complain(_ text: String) {
  let line = Array("grantwatchd: \(text)\n".utf8)
  _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
}

private func checkConfiguration(_ path: String) -> Int32 {
  let loaded = ConfigurationFiles.load(path)
  for finding in loaded.findings { print("\(finding)") }
  return loaded.configuration == nil ? 1 : 0
}

private func settings(_ options: DaemonOptions) -> EngineSettings {
  Allocator.returnWhatIsFreed()
  signal(SIGPIPE, SIG_IGN)
  umask(0o077)
  // It has codes that are not delivered yet.
  ThisProcess.hideMemory()
  let boot = SystemClock.bootID()
  return EngineSettings(
    version: Version.text, configurationFile: options.configurationFile, root: options.root,
    stateDirectory: options.stateDirectory, runtimeDirectory: options.runtimeDirectory,
    host: HostName.current, log: { complain($0) },
    now: {
      Moment(
        wall: Timestamp(microseconds: SystemClock.wall()), up: SystemClock.up(), boot: boot)
    })
}

/// The second fuse: a daemon that starts, takes back what is overdue, and ends. Where another one has
/// the state directory it has nothing to do.
private func carryOutOverdue(_ options: DaemonOptions) -> Int32 {
  var settings = settings(options)
  settings.isBackstop = true
  do throws(EngineError) {
    let engine = try Engine.make(settings)
    try engine.start()
    engine.carryOutOverdue()
    return 0
  } catch {
    if error.isInUse { return 0 }
    complain("backstop: \(error)")
    return 1
  }
}

private func watch(_ options: DaemonOptions) -> Int32 {
  let engine: Engine
  do {
    engine = try Engine.make(settings(options))
    try engine.start()
  } catch {
    complain("\(error)")
    return 1
  }
  // The sources must live as long as the daemon.
  let signals = [
    handle(SIGTERM, engine) { end($0) }, handle(SIGINT, engine) { end($0) },
    handle(SIGHUP, engine) { $0.reload() },
  ]
  withExtendedLifetime(signals) { dispatchMain() }
}

private func end(_ engine: Engine) {
  engine.stop()
  exit(0)
}

/// Runs `body` on the engine's queue when the signal comes.
private func handle(
  _ number: Int32, _ engine: Engine, _ body: @escaping @Sendable (Engine) -> Void
) -> any DispatchSourceSignal {
  signal(number, SIG_IGN)
  let source = DispatchSource.makeSignalSource(signal: number, queue: engine.queue)
  source.setEventHandler { @Sendable in body(engine) }
  source.resume()
  return source
}
