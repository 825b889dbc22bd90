/// Names of users and groups, or their numbers where there is no name.
package struct AccessNames {
  package var user: (UInt32) -> String
  package var group: (UInt32) -> String

  package init(user: @escaping (UInt32) -> String, group: @escaping (UInt32) -> String) {
    self.user = user
    self.group = group
  }
}

/// What a grant's item shows as `before` and `after`.
extension FileGain {
  /// For an owner `bob:staff`; for lists the entries as getfacl(1) prints them; for capabilities as
  /// getcap(8) does. Nil where there was nothing.
  package func before(_ former: FileAccess?, _ names: AccessNames) -> String? {
    switch self {
    case .owner(let gain):
      guard let former else { return nil }
      let uid = gain.isGroup ? former.uid : gain.before
      let gid = gain.isGroup ? gain.before : former.gid
      return "\(names.user(uid)):\(names.group(gid))"
    case .list(let gain): return former.flatMap { gain.text(of: $0, names) }
    case .capabilities(let gain): return gain.before?.text
    }
  }

  package func after(_ access: FileAccess, _ names: AccessNames) -> String? {
    switch self {
    case .owner: "\(names.user(access.uid)):\(names.group(access.gid))"
    case .list(let gain): gain.text(of: access, names)
    case .capabilities(let gain): gain.after.text
    }
  }
}

extension ListGain {
  /// Entries shown at the most.
  private static let mostShown = 64

  fileprivate func text(of access: FileAccess, _ names: AccessNames) -> String? {
    var entries: [String] = []
    if self.access != nil, let list = access.list {
      entries += list.entries(names, all: false)
      if who == .owningGroup { entries.insert("group::" + letters(list.owningGroup), at: 0) }
    }
    if defaults != nil, let list = access.defaults {
      entries += list.entries(names, all: true).map { "default:" + $0 }
    }
    if entries.isEmpty { return nil }
    let shown = entries.prefix(Self.mostShown).joined(separator: ",")
    return entries.count > Self.mostShown ? shown + ",..." : shown
  }
}

extension AccessList {
  /// As getfacl(1) prints them; those that every list has only with `all`.
  fileprivate func entries(_ names: AccessNames, all: Bool) -> [String] {
    var entries = all ? ["user::" + letters(owner)] : []
    entries += users.map { "user:\(names.user($0.id)):" + letters($0.bits) }
    if all { entries.append("group::" + letters(owningGroup)) }
    entries += groups.map { "group:\(names.group($0.id)):" + letters($0.bits) }
    if let mask { entries.append("mask::" + letters(mask)) }
    if all { entries.append("other::" + letters(other)) }
    return entries
  }
}

private func letters(_ bits: UInt8) -> String {
  (bits & 4 != 0 ? "r" : "-") + (bits & 2 != 0 ? "w" : "-") + (bits & 1 != 0 ? "x" : "-")
}
