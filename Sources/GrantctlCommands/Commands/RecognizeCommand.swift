internal import ByteText
internal import Grants
internal import LinuxKit
internal import Sources

let recognizeCommand = Command(
  name: "recognize", purpose: "Print what journal files tell of access, without the daemon",
  operands: "[-]", operandsAreOptional: true,
  options: [
    Option("journal-file", value: "FILE", repeats: true, "read this journal file"),
    Option("directory", value: "DIR", "read the journal files in DIR"),
    Option("since", value: "TIME", "pass over what is older: a time or span"),
    Option("check", value: "FILE", "check a recogniser file, and use it alone"),
    Option(
      "config", value: "FILE", "use recognizers.d beside FILE [/etc/grantwatch/…]"),
  ],
  details: """
    With - the journal is read from standard input, in its export format
    (journalctl -o export). One JSON object a line for each event.
    """,
  run: { invocation throws(Failure) in
    let recognizers = try adminRecognizers(&invocation)
    let isChecking = invocation.arguments.has("check")
    let files = invocation.arguments.values["journal-file"] ?? []
    let directory = invocation.arguments.value("directory")
    let isInput = !invocation.ids.isEmpty
    guard invocation.ids.allSatisfy({ $0 == "-" }), invocation.ids.count <= 1 else {
      throw Failure(.usage, "unexpected argument '\(printable(invocation.ids.last ?? ""))'")
    }
    let count = (files.isEmpty ? 0 : 1) + (directory == nil ? 0 : 1) + (isInput ? 1 : 0)
    guard count == 1 || (isChecking && count == 0) else {
      throw Failure(.usage, "one of --journal-file, --directory and - is needed")
    }
    guard count == 1 else { return }
    var recognition = RecognitionRun(
      since: try since(invocation), recognizers: recognizers, output: invocation.output)
    if isInput {
      try recognition.read(invocation.streams)
    } else {
      try recognition.read(directory.map { .directory($0) } ?? .files(files))
    }
    for loss in recognition.losses { invocation.complain(Failure(.failed, loss)) }
  })

private func since(_ invocation: Invocation) throws(Failure) -> Timestamp? {
  try invocation.arguments.moment("since")?.value.text.flatMap { Timestamp(rfc3339: $0) }
}

/// The admin's recognisers: those of `--check`, else those beside the configuration.
private func adminRecognizers(_ invocation: inout Invocation) throws(Failure) -> AdminRecognizers {
  var files: [(path: String, bytes: [UInt8])] = []
  func add(_ path: String) throws(Failure) {
    do throws(SystemError) {
      files.append((path, try SmallFile.read(path)))
    } catch {
      throw Failure(.failed, "\(error)")
    }
  }
  let check = invocation.arguments.value("check")
  if let check {
    try add(check)
  } else {
    let config = invocation.arguments.value("config") ?? "/etc/grantwatch/grantwatch.conf"
    let folder = config.lastIndex(of: "/").map { String(config[..<$0]) } ?? "."
    for directory in [AdminRecognizers.vendorFolder, folder + "/recognizers.d"] {
      for name in SmallFile.names(in: directory)
      where name.hasSuffix(".conf") && !name.hasPrefix(".") {
        try add(directory + "/" + name)
      }
    }
  }
  let (recognizers, findings) = AdminRecognizers.read(files)
  for finding in findings {
    if finding.isError, check != nil {
      invocation.complain(Failure(.failed, "\(finding)"))
    } else {
      invocation.streams.words("grantctl: recognize: \(printable("\(finding)"))")
    }
  }
  if check != nil, !findings.contains(where: \.isError) {
    invocation.streams.words("grantctl: recognize: \(printable(check ?? "")): ok")
  }
  return recognizers
}

/// One reading of a journal, signal by signal.
private struct RecognitionRun {
  private let since: Timestamp?
  private let recognizers: AdminRecognizers
  private let output: Output
  private let names = AccountNames()
  private let machine =
    (try? SmallFile.read("/etc/machine-id")).map { String(decoding: $0.prefix(32), as: UTF8.self) }
  private var failure: Failure?
  /// What could not be read.
  private(set) var losses: [String] = []

  init(since: Timestamp?, recognizers: AdminRecognizers, output: Output) {
    self.since = since
    self.recognizers = recognizers
    self.output = output
  }

  mutating func read(_ place: JournalPlace) throws(Failure) {
    let admins = recognizers
    do throws(SystemError) {
      let source = try JournalSource(
        place: place, after: nil, since: since ?? Timestamp(microseconds: 0),
        identifiers: admins.identifiers, further: { admins.recognize($0) })
      var progress: JournalProgress
      repeat {
        progress = try source.process(limit: 5000) { print($0) }
        if let gap = progress.gap { losses.append(gap.reason) }
      } while progress.more && failure == nil
    } catch {
      throw Failure(.failed, "\(error)")
    }
    if let failure { throw failure }
  }

  mutating func read(_ streams: Streams) throws(Failure) {
    let admins = recognizers
    var export = ExportReader()
    var reader = EntryReader(root: nil, further: { admins.recognize($0) })
    func take(_ entry: ExportReader.Entry) {
      guard let stored = entry.stored ?? entry.fields.sourceTime.map({ .init(microseconds: $0) })
      else { return }
      reader.take(entry.fields, cursor: entry.cursor, stored: stored) { print($0) }
    }
    while true {
      let piece: [UInt8]
      switch streams.input(65_535) {
      case .success(let bytes): piece = bytes
      case .failure(let error): throw Failure(.failed, "\(error)")
      }
      if piece.isEmpty { break }
      export.take(piece[...], take)
      if let failure { throw failure }
      if export.isDamaged {
        losses.append("standard input: not in the journal's export format from here on")
        break
      }
    }
    if !export.end(take), !export.isDamaged {
      losses.append("standard input: it ends in the middle of an entry")
    }
    reader.release(before: nil) { print($0) }
    if let failure { throw failure }
  }

  private mutating func print(_ signal: AccessSignal) {
    if failure != nil { return }
    if let since, signal.time < since { return }
    var writer = JSONWriter()
    // Numbers of another host have other names there.
    let isOurs = signal.machine.isEmpty || signal.machine == machine
    signal.write(to: &writer) { isOurs ? names.userName($0) : nil }
    do throws(Failure) {
      try output.write(writer.bytes + [0x0a])
    } catch {
      failure = error
    }
  }
}
