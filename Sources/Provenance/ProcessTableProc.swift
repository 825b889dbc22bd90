import ByteText
import Grants
import LinuxKit

extension ProcessTable {
  /// Looks at every process of /proc: at the start, and after events were lost.
  func survey() {
    let living = files.processes()
    for pid in living {
      if let record = records[pid], let stat = files.stat(pid), record.started(at: stat.start) {
        refresh(record, stat)
      } else {
        _ = adopt(pid)
      }
    }
    let pids = Set(living)
    for (pid, record) in records where record.exited == nil && !pids.contains(pid) {
      end(record)
    }
  }

  /// Makes a record of a process from /proc, and of its ancestors as far as they are not known.
  func adopt(_ pid: Int32, depth: Int = 0) -> ProcessRecord? {
    guard pid > 0, let stat = files.stat(pid) else { return nil }
    let record = ProcessRecord(
      ProcessKey(pid: pid, start: stat.start), origin: finding, image: .unseen)
    record.image = readImage(pid, comm: stat.comm) ?? .unseen
    refreshIdentity(record, stat)
    record.controlGroup = files.controlGroup(pid)
    link(record, to: stat.parent, depth)
    replace(pid, with: record)
    noteAgent(record)
    return record
  }

  private func link(_ record: ProcessRecord, to parentPid: Int32, _ depth: Int) {
    let pid = record.key.pid
    guard pid != 1, pid != 2 else { return }
    guard parentPid > 0 else {
      record.hole = "its parent is outside this PID namespace"
      return
    }
    guard depth < ProcessRecord.deepest else {
      record.hole = "its chain is too long"
      return
    }
    guard let parent = current(parentPid, depth),
      parent.key.start <= record.key.start &+ 2
    else {
      record.hole = "its parent \(parentPid) was gone before it was seen"
      return
    }
    if record.origin == .found, let reason = orphaned(record, below: parent) {
      record.hole = reason
      return
    }
    var ancestor: ProcessRecord? = parent
    while let next = ancestor {
      guard next !== record else {
        record.hole = "its chain runs in a circle"
        return
      }
      ancestor = next.parent
    }
    record.parent = parent
    record.depth = parent.depth + 1
    record.shorten()
  }

  /// When the process of this number began that lives now, in ticks since boot; nil where none does.
  package func start(of pid: Int32) -> UInt64? { files.stat(pid)?.start }

  /// The record of a living process, made afresh when the pid has come again.
  func current(_ pid: Int32, _ depth: Int = 0) -> ProcessRecord? {
    guard let record = records[pid] else { return adopt(pid, depth: depth + 1) }
    guard let stat = files.stat(pid) else { return nil }
    return record.started(at: stat.start) ? record : adopt(pid, depth: depth + 1)
  }

  /// Why a process found below one that takes orphans in may not be its parent's child.
  ///
  /// Pid 1 sets no login uid: a child of it that has one was born below a login and lost its
  /// parents. So has one without that lives in a session's scope. A user's service manager takes
  /// in what its services leave behind, so nothing found below it is certain.
  private func orphaned(_ record: ProcessRecord, below parent: ProcessRecord) -> String? {
    if parent.key.pid == 1 {
      let scope = record.controlGroup.map { group in
        group.split(separator: UInt8(ascii: "/")).contains {
          $0.starts(with: "session-".utf8) && $0.suffix(6).elementsEqual(".scope".utf8)
        }
      }
      guard record.loginUID != nil || scope == true, !record.image.isServiceManager else {
        return nil
      }
      return "it was taken in by pid 1, whoever started it is gone"
    }
    guard parent.image.isServiceManager else { return nil }
    return "\(parent.image.name)(\(parent.key.pid)) starts services and takes orphans in"
  }

  /// Brings a living process's record up to what /proc says now.
  func refresh(_ record: ProcessRecord, _ stat: ProcessFiles.Stat) {
    record.exited = nil
    refreshIdentity(record, stat)
    refreshImage(record, comm: stat.comm)
  }

  func refreshIdentity(_ record: ProcessRecord, _ stat: ProcessFiles.Stat) {
    let pid = record.key.pid
    record.group = stat.group
    record.session = stat.session
    if let uids = files.uids(pid) {
      record.uid = uids.real
      record.effectiveUID = uids.effective
    }
    let loginUID = files.loginUID(pid)
    let auditSession = files.auditSession(pid)
    // The silence of a process that ended meanwhile does not mean that it has none.
    guard loginUID != nil || files.exists(pid) else { return }
    record.loginUID = loginUID
    record.auditSession = auditSession
  }

  /// Reads a living process's image again, and remembers the former one's marks.
  func refreshImage(_ record: ProcessRecord, comm: [UInt8]) {
    guard let image = readImage(record.key.pid, comm: comm) else { return }
    let old = record.image
    guard
      image.executable != old.executable || image.command != old.command || image.hits != old.hits
        || image.environmentRead != old.environmentRead
    else { return }
    record.take(image)
  }

  /// What the process runs now; nil when it is gone, or a thread of the kernel.
  func readImage(_ pid: Int32, comm: [UInt8]) -> ProcessImage? {
    let executable = files.executable(pid)
    let arguments = files.withContents(of: .arguments, pid) { Array($0) }
    let marks = files.withContents(of: .environment, pid) { EnvironmentMarks($0, signatures) }
    guard executable != nil || arguments?.isEmpty == false else { return nil }
    let words = CommandWords(arguments ?? [], executable: executable)
    return ProcessImage(
      executable: executable, words: words, arguments: arguments ?? [], comm: comm,
      environment: marks ?? EnvironmentMarks(), read: marks != nil,
      packages: packages(pid, words, executable, marks?.virtualEnvironment),
      signatures: signatures, automation: automation)
  }

  /// The packages of agents and runners in the virtual environment of an application of Python.
  private func packages(
    _ pid: Int32, _ words: CommandWords, _ executable: [UInt8]?, _ declared: [UInt8]?
  ) -> Set<[UInt8]> {
    guard !signatures.packages.isEmpty,
      let place = PythonEnvironment.folder(
        of: words, executable: executable, declared: declared,
        folder: { files.workingFolder(pid) }),
      files.sharesMounts(pid)
    else { return [] }
    return environments.packages(at: place, among: signatures.packages, now: clock().up)
  }

  /// The image of a process that had ended when it was looked at: nobody has reaped it yet, so that
  /// its name is left.
  func named(_ comm: [UInt8]) -> ProcessImage {
    ProcessImage(
      executable: nil, arguments: [], comm: comm, environment: EnvironmentMarks(), read: false,
      signatures: signatures, automation: automation)
  }
}

extension ProcessImage {
  /// systemd, of the host or of a user.
  var isServiceManager: Bool {
    guard let executable else { return false }
    return executable.elementsEqual("/usr/lib/systemd/systemd".utf8)
      || executable.elementsEqual("/lib/systemd/systemd".utf8)
  }

  /// A user's own, which starts what that user's programs ask for. The one that boots a host or a
  /// container starts the daemons that let people in.
  var isUserManager: Bool {
    isServiceManager
      && command.split(separator: 0).dropFirst().contains {
        $0.elementsEqual("--user".utf8)
      }
  }

  /// Starts programs on somebody's behalf, by the clock or on request.
  var isLauncher: Bool {
    guard let executable, let name = executable.split(separator: UInt8(ascii: "/")).last else {
      return false
    }
    let known = ["cron", "crond", "atd", "anacron", "fcron", "dbus-daemon", "dbus-broker-launch"]
    return known.contains { name.elementsEqual($0.utf8) }
      || name.starts(with: "containerd-shim".utf8)
  }
}
