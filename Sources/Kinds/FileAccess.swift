package import LinuxKit

/// Who may do what with a file: all that the kinds of file grants compare.
package struct FileAccess: Hashable, Sendable {
  /// As stat(2) has it: with a list, the group's bits are the list's mask.
  package var mode: UInt16
  package var uid: UInt32
  package var gid: UInt32
  package var isDirectory: Bool
  /// Nil where the mode says it all. Its owner, other and mask are the mode's bits.
  package var list: AccessList?
  /// What new files in a folder get.
  package var defaults: AccessList?
  package var capabilities: FileCapabilities?

  package init(mode: UInt16, uid: UInt32, gid: UInt32, isDirectory: Bool = false) {
    self.mode = mode
    self.uid = uid
    self.gid = gid
    self.isDirectory = isDirectory
  }

  package init(
    mode: UInt16, uid: UInt32, gid: UInt32, isDirectory: Bool, _ attributes: AccessAttributes
  ) {
    self.init(mode: mode, uid: uid, gid: gid, isDirectory: isDirectory)
    if !attributes.accessList.isEmpty, let list = AccessList(attributes.accessList),
      list.isExtended
    {
      self.list = list
    }
    if !attributes.defaultList.isEmpty { defaults = AccessList(attributes.defaultList) }
    if !attributes.capability.isEmpty { capabilities = FileCapabilities(attributes.capability) }
  }

  package init(_ status: FileStatus, _ attributes: AccessAttributes) {
    self.init(
      mode: status.mode, uid: status.uid, gid: status.gid, isDirectory: status.isDirectory,
      attributes)
  }

  /// The group's bits of the mode: the mask where there is a list.
  package var groupClass: UInt8 { UInt8(mode >> 3 & 7) }

  /// What the file's own group may.
  package var owningGroup: UInt8 { groupClass & (list?.owningGroup ?? 7) }

  package var other: UInt8 { UInt8(mode & 7) }

  /// What one who is named by no entry has at least, a member of the file's group or not.
  package var unnamed: UInt8 { other & owningGroup }

  /// The mode with what the file's own group really may in the group's place.
  package var effectiveMode: UInt16 { mode & ~0o070 | UInt16(owningGroup) << 3 }

  /// The mode that counts for the kind `file-mode` beside one before: where there is a list, what
  /// it gives the file's group belongs to the kind `file-acl`.
  package func mode(since before: UInt16?) -> UInt16 {
    list == nil ? mode : effectiveMode & (~0o070 | (before ?? 0o070))
  }

  /// The attributes as the kernel stores them. An access list is never empty here: one without
  /// names takes the list away and sets the mode's bits, both at once.
  package func listBytes() -> [UInt8] {
    var list = list ?? AccessList(owner: 0, owningGroup: groupClass, other: 0)
    list.owner = UInt8(mode >> 6 & 7)
    list.other = other
    return list.bytes
  }

  func differsBesideMode(from other: FileAccess) -> Bool {
    var same = other
    same.mode = mode
    return self != same
  }

  /// The attributes as the kernel would store them.
  var attributes: AccessAttributes {
    var attributes = AccessAttributes()
    if list != nil { attributes.accessList = listBytes() }
    if let defaults { attributes.defaultList = defaults.bytes }
    if let capabilities { attributes.capability = capabilities.bytes }
    return attributes
  }

  /// The attributes of the file that is open; O_PATH is enough.
  static func of(_ descriptor: Int32) throws(SystemError) -> FileAccess {
    FileAccess(try FileStatus.of(descriptor), try AccessAttributes.of(descriptor))
  }

  // MARK: Taking back bits of the mode

  /// Without `bits` of the effective mode, and with the sticky bit where it is to come back.
  func without(_ bits: UInt16, sticky: Bool) -> FileAccess {
    var access = self
    access.mode &= ~(list == nil ? bits : bits & ~0o070)
    access.list?.owningGroup &= ~UInt8(bits >> 3 & 7)
    if sticky { access.mode |= 0o1000 }
    return access
  }
}
