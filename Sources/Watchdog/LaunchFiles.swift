import ByteText
import Grants
import Kinds
import LinuxKit
import Provenance
import Sources

/// What agents ask cron, at, systemd and their like to run: evidence on what these then change,
/// which outlives the daemon.
extension Engine {
  /// Homes whose unit folders are watched.
  private static let mostHomes = 64

  /// Watches the folders of cron, at and systemd. Without them the rest goes on.
  func watchLaunchFolders() {
    do {
      launchWatch = try FolderWatch(findLaunchFolders())
    } catch {
      settings.log("watch the folders of cron, at and systemd: \(error)")
    }
  }

  /// Folders and accounts come and go.
  func lookAtLaunchFolders() { launchWatch?.watch(findLaunchFolders()) }

  private func findLaunchFolders() -> [FolderWatch.Folder] {
    let passwd = (try? AccountFile(path: groupMembers.passwdFile))?.bytes ?? []
    var homes: [[UInt8]] = []
    for user in AccountLines.users(passwd)
    where (user.uid == 0 || user.uid >= 1000) && user.uid != 65534
      && user.home.first == UInt8(ascii: "/") && user.home.count > 1
      && !homes.contains(user.home) && homes.count < Self.mostHomes
    { homes.append(user.home) }
    let all =
      LaunchFile.Folder.system + homes.flatMap { LaunchFile.Folder.ofAccount(home: $0) }
    launchFolders = [:]
    return all.map { folder in
      let path = settings.root + folder.path
      launchFolders[path] = folder
      return FolderWatch.Folder(path: path, isDeep: folder.isDeep)
    }
  }

  /// Takes what was written into those folders, before what was done with it.
  func readLaunchFiles() {
    guard let launchWatch else { return }
    turn {
      let clock = TurnClock()
      repeat {
        do {
          guard try launchWatch.read() else { break }
        } catch {
          if problems.set(.fanotify, "\(error)") { settings.log("\(error)") }
          break
        }
        processes.drain()
        var batch = SignalBatch(now: now)
        launchWatch.signals { signal in
          guard signal.pid != ownPid, let folder = launchFolders[signal.folder],
            let file = LaunchFile(signal.name, in: folder)
          else { return }
          let verdict = batch.attribution(of: signal.pid, alive: signal.alive, by: processes)
          let path = signal.folder + [UInt8(ascii: "/")] + signal.name
          processes.note(file, at: path, by: verdict, at: batch.now)
          noteMadeMeanwhile(file, at: folder.path + [UInt8(ascii: "/")] + signal.name, by: verdict)
        }
      } while !clock.isOver
      if launchWatch.losses > lostLaunchEvents {
        lostLaunchEvents = launchWatch.losses
        gap(
          source: "fanotify", reason: "events on the folders of cron, at and systemd were lost",
          from: lastLook.wall, to: now.wall)
      }
      keepLaunchRequests()
    }
  }

  /// Puts new requests into the ledger.
  func keepLaunchRequests() {
    for request in processes.takeLaunchRequests() {
      record("launch.requested") { request.write(to: &$0) }
    }
  }

  /// Brings the requests of earlier runs back.
  func restoreLaunchRequests(mark: Moment?) {
    for request in replayedRequests { processes.restore(request, mark: mark) }
    replayedRequests = []
  }

  /// Keeps a request of the ledger until it can be restored.
  func replay(_ request: LaunchRequest) {
    if replayedRequests.count >= 4096 { replayedRequests.removeFirst(2048) }
    replayedRequests.append(request)
  }
}

extension LaunchRequest {
  /// Writes the members of its record.
  func write(to writer: inout JSONWriter) {
    writer.member("launcher", launcher.rawValue)
    writer.member("time", moment.wall.microseconds)
    writer.member("up", moment.up)
    writer.member("first", first)
    writer.member("boot", moment.boot)
    writer.member("agent", agent)
    writer.member("pid", Int64(process.pid))
    writer.member("start", Int64(clamping: process.start))
    writer.member("chain", chainText)
    writer.member("command", command)
    writer.present("unit", unit.map { escaped($0) })
    writer.marked("userUnit", isUserUnit)
    writer.present("path", path.map { escaped($0) })
    writer.marked("waits", waits)
    writer.marked("hint", !isProof)
  }

  /// Reads what `write` wrote.
  init?(record data: JSON) {
    guard let launcher = data["launcher"].text.flatMap(Launcher.init(rawValue:)),
      let time = data["time"].integer, let up = data["up"].integer, let boot = data["boot"].text,
      let agent = data["agent"].text, let chain = data["chain"].text,
      let command = data["command"].text
    else { return nil }
    self.init(
      launcher, at: Moment(wall: Timestamp(microseconds: time), up: up, boot: boot), by: agent,
      ProcessKey(
        pid: Int32(clamping: data["pid"].integer ?? 0),
        start: UInt64(clamping: data["start"].integer ?? 0)),
      chain: chain, command: command, waits: data["waits"].bool ?? false)
    first = min(data["first"].integer ?? up, up)
    unit = data["unit"].text.flatMap(unescaped)
    isUserUnit = data["userUnit"].bool ?? false
    path = data["path"].text.flatMap(unescaped)
    isProof = !(data["hint"].bool ?? false)
  }
}
