internal import ByteText
package import Grants
internal import LinuxKit
internal import Synchronization

/// The kind `ssh-key`: keys that let into accounts, in the files that sshd(8) takes them from.
///
/// A key whose native expiry (`expiry-time=`) has passed lets nobody in and is no entry. Comments are
/// no part of an entry, nor is the file: the same key with the same options in another file of the
/// account is the same entry.
package final class SSHKeys: EntryKind {
  /// Without a slash at its end; empty for the host's own.
  let root: [UInt8]
  /// What is kept between two calls. Never held while a tool runs: logins are noted on another queue.
  let memory = Mutex(Memory())

  struct Memory {
    var configuration: SSHDaemonConfiguration?
    var paths: [[UInt8]]?
    var logins: [KeyLogin] = []
  }

  package init(root: [UInt8]) {
    var root = root
    while root.last == UInt8(ascii: "/") { root.removeLast() }
    self.root = root
  }

  package var kind: GrantKind { .sshKey }

  private static let longestFile = 1 << 20
  /// A file that was blown up after a look is edited all the same, up to here.
  static let longestEdited = 16 << 20
  /// The most of an entry's lines that it carries, in bytes.
  static let longestDetail = 60 << 10
  private static let mostEntries = 100_000
  /// Bytes of all entries: what is known must fit on the disk as well.
  private static let mostBytes = 64 << 20
  private static let mostWatched = 2000

  package func read(previous: EntryState?) throws(EntryKindError) -> EntryState {
    let accounts = try accounts()
    let configuration = configure(accounts)
    let now = SystemClock.wall()
    var state = EntryState()
    if let problem = configuration.problem { state.problems.append(problem) }
    var known: [String: [AccessEntry]]?
    func carry(_ holder: KeyHolder, _ place: KeyFilePlace) {
      if known == nil {
        known = Dictionary(grouping: previous?.entries.values ?? [:].values, by: \.object)
      }
      for entry in known?[holder.object] ?? []
      where KeyDetail(entry.detail).lines.contains(where: { $0.path == place.path }) {
        if !state.contains(entry.key) { state.insert(entry) }
      }
    }
    var isFull = false
    var bytes = 0
    for holder in holders(accounts, configuration) {
      for place in holder.places {
        do throws(SystemError) {
          let file = try RootedFile(place.path, root: root, limit: Self.longestFile)
          var isCut = false
          for line in KeyLine.lines(file.bytes) {
            guard let entry = entry(line, of: file.bytes, place, holder, at: now) else { continue }
            bytes += entry.value.utf8.count + entry.detail.utf8.count
            if state.count >= Self.mostEntries || bytes > Self.mostBytes {
              isCut = isCut || !state.contains(entry.key)
            } else {
              add(entry, to: &state)
            }
          }
          guard isCut else { continue }
          isFull = true
          state.insert(Self.beyond(holder))
          carry(holder, place)
        } catch {
          guard !error.isNoFile else { continue }
          // sshd takes keys from files of any length: padding must not hide one.
          if error.isTooLong { state.insert(Self.untold(holder)) }
          state.problems.append("\(error)")
          carry(holder, place)
        }
      }
    }
    if isFull {
      state.problems.append(
        "read keys: more than \(Self.mostEntries) or \(Self.mostBytes >> 20) MiB: not all are known"
      )
    }
    memory.withLock { $0.paths = nil }
    return state
  }

  private static func untold(_ holder: KeyHolder) -> AccessEntry {
    AccessEntry(
      subject: "everyone", object: holder.object, right: "login",
      value: "keys in a file of more than 1 MiB")
  }

  private static func beyond(_ holder: KeyHolder) -> AccessEntry {
    AccessEntry(
      subject: "everyone", object: holder.object, right: "login", value: "keys beyond what is read")
  }

  /// True for an entry that stands for keys that nobody here can tell.
  static func isUntold(_ entry: AccessEntry) -> Bool { entry.subject == "everyone" }

  private func add(_ entry: AccessEntry, to state: inout EntryState) {
    guard var known = state[entry.key] else { return state.insert(entry) }
    // The same key twice: one entry, which carries both lines.
    let joined = known.detail + "\t" + entry.detail
    guard joined.utf8.count <= Self.longestDetail else { return }
    known.detail = joined
    state.insert(known)
  }

  private func entry(
    _ line: KeyLine, of bytes: [UInt8], _ place: KeyFilePlace, _ holder: KeyHolder, at now: Int64
  ) -> AccessEntry? {
    guard let key = line.key, let value = holder.value(key) else { return nil }
    if let end = key.options.expiry, end <= now { return nil }
    return AccessEntry(
      subject: key.subject, object: holder.object, right: "login", value: value,
      detail: KeyDetail.text(path: place.path, line: bytes[line.range]))
  }

  func accounts() throws(EntryKindError) -> [KeyAccount] {
    do throws(AccountFileError) {
      return try KeyAccount.all(root: root)
    } catch {
      if case .torn(let path) = error { throw .torn(path) }
      throw .unreadable("\(error)")
    }
  }

  /// What sshd says now; of accounts those that can log in are asked for first.
  func configure(_ accounts: [KeyAccount]) -> SSHDaemonConfiguration {
    let known = memory.withLock { $0.configuration }
    let named = accounts.filter(\.hasLoginShell) + accounts.filter { !$0.hasLoginShell }
    let configuration = SSHDaemonConfiguration.ask(root: root, accounts: named, known: known)
    memory.withLock { $0.configuration = configuration }
    return configuration
  }

  func holders(
    _ accounts: [KeyAccount], _ configuration: SSHDaemonConfiguration
  ) -> [KeyHolder] {
    accounts.map { KeyHolder($0, configuration.answer(for: $0)) }
      + [KeyHolder(authorities: configuration.authorities)]
  }

  /// What an entry's object names now; nil when there is no such account any more.
  func holder(of object: String) throws(SystemError) -> KeyHolder? {
    let accounts: [KeyAccount]
    do throws(AccountFileError) {
      accounts = try KeyAccount.all(root: root)
    } catch {
      switch error {
      case .unreadable(let error): throw error
      case .torn(let path): throw SystemError(SystemError.busy, "read", path)
      }
    }
    let configuration = configure(accounts)
    return holders(accounts, configuration).first { $0.object == object }
  }

  /// Every file of keys that an account with a login shell or uid 0 has or could have, and those
  /// that others have; at most 2,000, the rest is found by the slow looks.
  package func watchedPaths() -> [[UInt8]] {
    if let paths = memory.withLock({ $0.paths }) { return paths }
    var paths = ["/etc/passwd", "/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d"].map {
      root + Array($0.utf8)
    }
    let configuration = memory.withLock { $0.configuration } ?? SSHDaemonConfiguration()
    let accounts = (try? accounts()) ?? []
    var others: [[UInt8]] = []
    for holder in holders(accounts, configuration) {
      let isLikely = holder.account.map { $0.hasLoginShell || $0.uid == 0 } ?? true
      for place in holder.places {
        let real = try? RootedFile.realPath(place.path, root: root)
        guard isLikely || real != nil else { continue }
        let path = root + place.path
        var found = [path]
        // A link's own name tells nothing of what it leads to.
        if let real, isLink(place) { found.append(real) }
        if isLikely { paths += found } else { others += found }
      }
    }
    paths = Array((paths + others).prefix(Self.mostWatched))
    memory.withLock { $0.paths = paths }
    return paths
  }

  private func isLink(_ place: KeyFilePlace) -> Bool {
    (try? FileStatus.at(root + place.path))?.type == .link
  }

  /// What sshd's configuration lets in that no file of keys tells of, one line each; for people.
  package var remarks: [String] {
    guard let configuration = memory.withLock({ $0.configuration }) else { return [] }
    let commands = Set(
      ([configuration.usual] + configuration.byAccount.values).compactMap(\.keysCommand))
    return commands.sorted().map {
      "sshd: AuthorizedKeysCommand \($0): the keys that it prints are not watched"
    }
  }
}

/// The lines of an entry, as its detail carries them: path and line by turns, escaped, tabs between.
struct KeyDetail {
  private(set) var lines: [(path: [UInt8], line: [UInt8])] = []

  init(_ detail: String) {
    let pieces = detail.split(separator: "\t", omittingEmptySubsequences: false)
    for at in stride(from: 0, to: pieces.count - 1, by: 2) {
      guard let path = unescaped(String(pieces[at])), let line = unescaped(String(pieces[at + 1]))
      else { return }
      lines.append((path, line))
    }
  }

  /// A line too long to be carried is left out, and nothing can put it back.
  static func text(path: [UInt8], line: ArraySlice<UInt8>) -> String {
    let line = line.last == 0x0a ? line.dropLast() : line
    let shown = escaped(line)
    return escaped(path) + "\t" + (shown.utf8.count <= SSHKeys.longestDetail - 4096 ? shown : "")
  }

  /// The first line that is carried, one from the file `path` before others.
  func line(preferring path: [UInt8]? = nil) -> (path: [UInt8], line: [UInt8])? {
    let whole = lines.filter { !$0.line.isEmpty }
    return whole.first { $0.path == path } ?? whole.first
  }
}
