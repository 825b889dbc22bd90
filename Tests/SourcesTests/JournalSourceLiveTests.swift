import ByteText
import Glibc
import LinuxKit
import Sources
import Testing

/// Real journal files, made of the recordings by systemd-journal-remote(8).
@Suite(
  .enabled(
    if: geteuid() == 0 && access("/lib/systemd/systemd-journal-remote", X_OK) == 0,
    "needs root and systemd-journal-remote"))
struct JournalSourceLiveTests {
  private final class Folder {
    let path: String

    init(_ name: String = #function) {
      path = "/tmp/grantwatch-journal-\(name.prefix { $0 != "(" })-\(getpid())"
      _ = Spawn.runAndWait("/bin/sh", ["-c", "rm -rf $0; mkdir $0", path])
    }

    deinit { _ = Spawn.runAndWait("/bin/rm", ["-rf", path]) }

    func add(_ samples: [String], to file: String) {
      let result = Spawn.runAndWait(
        "/lib/systemd/systemd-journal-remote",
        ["-o", "\(path)/\(file).journal"] + samples.map(Samples.path))
      #expect(result.succeeded)
    }
  }

  private func drain(
    _ source: JournalSource, limit: Int = 3
  ) throws -> (signals: [AccessSignal], cursor: String?, gaps: [JournalGap]) {
    var signals: [AccessSignal] = []
    var gaps: [JournalGap] = []
    for _ in 0..<10_000 {
      let progress = try source.process(limit: limit) { signals.append($0) }
      if let gap = progress.gap { gaps.append(gap) }
      if !progress.more { return (signals, progress.cursor, gaps) }
    }
    Issue.record("no end")
    return (signals, nil, gaps)
  }

  private let start = Timestamp(microseconds: 0)

  @Test("A journal tells what its recording tells, with the kernel's facts")
  func whole() throws {
    let folder = Folder()
    folder.add(["acct-usermod-aG"], to: "system")
    let source = try JournalSource(directory: folder.path, after: nil, since: start)
    let (signals, cursor, gaps) = try drain(source)
    #expect(signals.map(\.object) == ["group:sudo", "group:docker", "group:adm"])
    #expect(signals.allSatisfy { $0.uid == 0 && $0.pid > 1 && $0.tool == "usermod" })
    #expect(signals.allSatisfy { $0.loginUID == 0 && $0.boot.count == 32 && $0.trusted })
    #expect(signals.map(\.message).first == "add 'bob' to group 'sudo'")
    #expect(cursor != nil && gaps.isEmpty)
  }

  @Test("Only this boot's own lines are passed over, not those of another with our number")
  func ownNumber() throws {
    let folder = Folder()
    func write(_ user: String, boot: String, at time: Int64) -> String {
      "__REALTIME_TIMESTAMP=\(time)\n__MONOTONIC_TIMESTAMP=\(time)\n_BOOT_ID=\(boot)\n"
        + "_UID=0\n_PID=\(getpid())\n_EXE=/usr/sbin/usermod\nSYSLOG_IDENTIFIER=usermod\n"
        + "MESSAGE=add '\(user)' to group 'docker'\n\n"
    }
    let other = String(repeating: "1", count: 32)
    let text =
      write("eve", boot: other, at: 1_000_000)
      + write("bob", boot: SystemClock.bootID(), at: 2_000_000)
    try SmallFile.replace(folder.path + "/export", with: Array(text.utf8))
    let made = Spawn.runAndWait(
      "/lib/systemd/systemd-journal-remote",
      ["-o", folder.path + "/system.journal", folder.path + "/export"])
    #expect(made.succeeded)
    let source = try JournalSource(directory: folder.path, after: nil, since: start)
    #expect(try drain(source).signals.map(\.subject) == ["user:eve"])
  }

  @Test("A source goes on behind its cursor, and tells each line once")
  func cursor() throws {
    let folder = Folder()
    folder.add(["acct-usermod-aG", "acct-gpasswd"], to: "system")
    let all = try drain(JournalSource(directory: folder.path, after: nil, since: start)).signals
    var told: [AccessSignal] = []
    var cursor: String?
    for _ in 0..<1000 {
      let source = try JournalSource(directory: folder.path, after: cursor, since: start)
      let progress = try source.process(limit: 1) { told.append($0) }
      #expect(progress.gap == nil)
      cursor = progress.cursor
      if !progress.more { break }
    }
    #expect(told == all)
    #expect(all.count == 12)
  }

  @Test("A cursor that the journal does not hold is a gap, and reading goes on at its time")
  func vacuumed() throws {
    let folder = Folder()
    folder.add(["acct-gpasswd"], to: "system")
    let gone =
      "s=00000000000000000000000000000001;i=1;b=00000000000000000000000000000001;m=1;t=1;x=1"
    let (signals, _, gaps) = try drain(
      JournalSource(directory: folder.path, after: gone, since: start))
    #expect(gaps.map(\.from) == [Timestamp(microseconds: 1)])
    #expect(signals.count == 9)
    let nonsense = try drain(JournalSource(directory: folder.path, after: "?", since: start))
    #expect(nonsense.gaps.count == 1 && nonsense.signals.count == 9)
  }

  @Test("New files in the folder wake the source, and nothing comes twice")
  func wakes() throws {
    let folder = Folder()
    folder.add(["acct-usermod-aG"], to: "one")
    let source = try JournalSource(directory: folder.path, after: nil, since: start)
    #expect(try drain(source).signals.count == 3)
    folder.add(["acct-usermod-aG"], to: "copy")
    folder.add(["sudo-ok"], to: "two")
    var told: [AccessSignal] = []
    for _ in 0..<100 where told.count < 3 {
      var polled = pollfd(fd: source.descriptor, events: Int16(POLLIN), revents: 0)
      #expect(poll(&polled, 1, 10_000) == 1)
      told += try drain(source).signals
    }
    #expect(told.map(\.type) == [.use, .use, .use])
    var polled = pollfd(fd: source.descriptor, events: Int16(POLLIN), revents: 0)
    #expect(poll(&polled, 1, 0) == 0)
  }

  @Test("Lines about another tree are left out, and are all there is for that tree")
  func trees() throws {
    let folder = Folder()
    folder.add(["acct-prefix-root", "human-direct"], to: "system")
    let host = try drain(JournalSource(directory: folder.path, after: nil, since: start))
    #expect(host.signals.allSatisfy { $0.root == nil })
    #expect(host.signals.filter { $0.tool == "usermod" }.count == 2)
    let tree = try drain(
      JournalSource(
        directory: folder.path, after: nil, since: start, root: Array("/srv/img".utf8)))
    #expect(tree.signals.filter { $0.tool == "usermod" }.map(\.object) == ["group:sudo"])
  }

  @Test("A damaged file is read as far as it goes, without an end of tries")
  func damaged() throws {
    let folder = Folder()
    folder.add(["acct-gpasswd", "acct-usermod-aG", "acct-useradd"], to: "system")
    for place in stride(from: 2000, to: 400_000, by: 9973) {
      let script =
        "cp $0/system.journal $0/bad.journal && printf '\\377\\377\\377\\377\\377\\377' | "
        + "dd of=$0/bad.journal bs=1 seek=\(place) conv=notrunc status=none"
      _ = Spawn.runAndWait("/bin/sh", ["-c", script, folder.path])
      do throws(SystemError) {
        let source = try JournalSource(
          place: .files(["\(folder.path)/bad.journal"]), after: nil, since: start)
        for _ in 0..<1000 where try source.process(limit: 100, { _ in }).more {}
      } catch {
        // A head that is no journal's is refused at once.
        #expect(place < 5000 || error.isDamage, "\(place): \(error)")
      }
    }
  }

  @Test("A damaged file is told of once, and the other files are read")
  func damagedAmongOthers() throws {
    let folder = Folder()
    folder.add(["acct-gpasswd"], to: "first")
    folder.add(["acct-useradd"], to: "second")
    folder.add(["acct-usermod-aG"], to: "third")
    let first = try drain(JournalSource(directory: folder.path, after: nil, since: start)).signals
    // From its second page to its last: the head is whole.
    let script =
      "dd if=/dev/urandom of=$0/second.journal bs=4096 seek=2 conv=notrunc status=none "
      + "count=$(($(stat -c %s $0/second.journal) / 4096 - 4))"
    #expect(Spawn.runAndWait("/bin/sh", ["-c", script, folder.path]).succeeded)
    let source = try JournalSource(directory: folder.path, after: nil, since: start)
    let (signals, cursor, gaps) = try drain(source)
    #expect(gaps.count == 1, "\(gaps)")
    #expect(gaps.first?.reason.contains("second.journal") == true, "\(gaps)")
    #expect(gaps.first.map { $0.from ?? start <= $0.to ?? start } == true)
    #expect(signals.count < first.count && signals.contains { $0.object == "group:adm" })
    #expect(try drain(source).gaps.isEmpty)
    // What comes later is read, and what is behind it is no news.
    folder.add(["acct-chsh"], to: "fourth")
    let later = try drain(source)
    #expect(later.gaps.isEmpty, "\(later.gaps)")
    let again = try drain(
      JournalSource(directory: folder.path, after: cursor, since: start))
    #expect(again.gaps.isEmpty, "\(again.gaps)")
  }

  @Test("A folder without journals, and one that comes later")
  func empty() throws {
    let folder = Folder()
    let source = try JournalSource(directory: folder.path, after: nil, since: start)
    #expect(try drain(source).signals.isEmpty)
    #expect(throws: SystemError.self) {
      try JournalSource(directory: "\(folder.path)/nothing", after: nil, since: start)
    }
  }
}
