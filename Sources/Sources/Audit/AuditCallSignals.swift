internal import ByteText
internal import Grants

/// What a system call tells of access. The new mode, owner or attribute is the state's to say: of
/// most calls the record has only the old one.
enum AuditCallSignals {
  /// Files that say who is who and may what; a rename puts a new one in place.
  private static let accountFiles: Set<[UInt8]> = Set(
    [
      "/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/sudoers", "/etc/doas.conf",
    ].map { Array($0.utf8) })

  /// Paths are told as seen from `root`; a file outside it is an open file of no name.
  static func signals(_ event: AuditEvents.Call, root: [UInt8]) -> [AccessSignal] {
    var objects: [[UInt8]] = []
    for path in event.paths where !path.nameType.elementsEqual("PARENT".utf8) {
      guard let object = fromRoot(absolute(path.name, event.folder), root) else { continue }
      if event.call == .rename {
        guard path.nameType.elementsEqual("CREATE".utf8), isAccountFile(object) else { continue }
      }
      objects.append(object)
    }
    // A call on a descriptor names no path.
    if objects.isEmpty, event.call == .rename { return [] }
    let tool = escaped(event.subject.name[...])
    let command = escaped(
      event.title.prefix(4096).map { $0 == 0 ? 0x20 : $0 }[...])
    let verb =
      switch event.call {
      case .mode: "changed the mode of"
      case .owner: "changed the owner of"
      case .attribute: "changed an attribute of"
      case .rename: "put a new file in place of"
      }
    return (objects.isEmpty ? [nil] : objects.map(Optional.some)).map { object in
      let name = object.map { escaped($0.prefix(4096)) }
      var signal = event.subject.signal(
        .set, tool: tool, serial: event.serial, time: event.time,
        message: "\(verb) \(name ?? "an open file"): \(command)")
      signal.kind = event.call.kind
      signal.object = name.map { "file:" + $0 }
      signal.command = command.isEmpty ? nil : command
      return signal
    }
  }

  private static func fromRoot(_ path: [UInt8], _ root: [UInt8]) -> [UInt8]? {
    if root.isEmpty { return path }
    guard path.count > root.count, path.starts(with: root),
      path[root.count] == UInt8(ascii: "/")
    else { return nil }
    return Array(path[root.count...])
  }

  private static func isAccountFile(_ path: [UInt8]) -> Bool {
    accountFiles.contains(path) || path.starts(with: "/etc/sudoers.d/".utf8)
      || path.suffix(16).elementsEqual("/authorized_keys".utf8)
  }

  /// A name as the call had it, below the folder it was called in; `.` and `..` are left as they
  /// are where a link could change their meaning.
  private static func absolute(_ name: [UInt8], _ folder: [UInt8]) -> [UInt8] {
    if name.first == UInt8(ascii: "/") || folder.isEmpty { return name }
    let short = name.starts(with: "./".utf8) ? name.dropFirst(2) : name[...]
    return folder.last == UInt8(ascii: "/")
      ? folder + short : folder + [UInt8(ascii: "/")] + short
  }
}
