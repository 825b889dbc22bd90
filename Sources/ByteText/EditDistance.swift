/// The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the pen
/// (at most a third of the word's length, at least one edit); case counts for nothing.
package func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
  let lower = word.lowercased()
  let limit = max(1, lower.utf8.count / 3)
  var best: (String, Int)?
  for candidate in candidates {
    let distance = editDistance(Array(lower.utf8), Array(candidate.lowercased().utf8))
    if distance <= limit, distance < best?.1 ?? .max { best = (candidate, distance) }
  }
  return best?.0
}

private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var row = Array(0...right.count)
  for (index, byte) in left.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for (column, other) in right.enumerated() {
      let above = row[column + 1]
      row[column + 1] = min(above + 1, row[column] + 1, diagonal + (byte == other ? 0 : 1))
      diagonal = above
    }
  }
  return row[right.count]
}
