import Glibc
import Grants
import Kinds
import LinuxKit
import Scratch
import Sources

/// A watched tree `/t` under a root of its own, with its baseline and its watch.
final class Stage {
  let scratch: Scratch
  let modes: FileModes
  private(set) var watch: FileWatch?

  /// `prepare` makes the files of the baseline.
  init(
    in parent: String = "/tmp", watching: Bool = false, _ prepare: (Scratch) -> Void = { _ in }
  ) throws {
    scratch = Scratch(in: parent)
    scratch.folder("t")
    prepare(scratch)
    modes = FileModes(root: scratch.bytes(), trees: [Array("/t".utf8)])
    if watching { watch = try FileWatch(trees: [scratch.bytes("t")], files: []) }
    modes.takeBaseline { _ in }
  }

  /// Looks at `name` of the tree as a signal with `changes` of process `pid` would make it.
  func look(
    _ name: String, _ changes: FileChanges = .attributes, by pid: Int32 = 1
  ) -> [FileObservation] {
    look(scratch.bytes("t/" + name), changes, by: pid)
  }

  func look(
    _ path: [UInt8], _ changes: FileChanges = .attributes, by pid: Int32 = 1
  ) -> [FileObservation] {
    var all: [FileObservation] = []
    modes.observe(
      FileSignal(path: path, pid: pid, alive: true, changes: changes, isDirectory: false)
    ) { all.append($0) }
    return all
  }

  func rescan() -> [FileObservation] {
    var all: [FileObservation] = []
    modes.rescan { all.append($0) }
    return all
  }

  /// Reads signals and observes until `done`, for at most ten seconds.
  func follow(until done: ([FileObservation]) -> Bool) throws -> [FileObservation] {
    var all: [FileObservation] = []
    guard let watch else { return [] }
    let end = SystemClock.up() + 10_000_000
    while SystemClock.up() < end {
      while try watch.read() {
        watch.signals { signal in modes.observe(signal) { all.append($0) } }
      }
      if done(all) { break }
      var waiting = pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&waiting, 1, 100)
    }
    return all
  }

  func restore(
    _ seen: FileObservation?, keeping: UInt16 = 0, dryRun: Bool = false
  ) -> FileModes.Restored {
    guard let seen else { return .drifted("nothing was observed") }
    return modes.restore(
      object: seen.path, identity: seen.identity, before: seen.before, after: seen.after,
      isDirectory: seen.isDirectory, keeping: keeping, dryRun: dryRun)
  }

  /// Changes a file's mode, as process `pid` would, and gives what was observed of it.
  func grant(_ name: String, _ mode: mode_t, by pid: Int32 = 1) -> FileObservation? {
    scratch.chmod("t/" + name, mode)
    return look(name, by: pid).first
  }

  func mode(_ name: String) -> UInt16? { scratch.mode("t/" + name) }
}

extension FileModes.Restored {
  var isDrifted: Bool { if case .drifted = self { true } else { false } }

  var code: Int32 { if case .failed(let error) = self { error.code } else { 0 } }
}
