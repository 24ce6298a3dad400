# Softmax regression: one epoch over lines "split<TAB>class<TAB>numbers", with the images of "train".
# Reads the weights from MODEL, if it exists, writes them there, and prints the loss and the accuracy on the images of "val".
function scores(n,   k, i, top, sum) { # of line n, in p
  top = -1e300
  count = split(texts[n], numbers, " ")
  for (k in names) {
    p[k] = 0
    for (i = 1; i <= count; i++) p[k] += weights[k, i] * numbers[i]
    if (p[k] > top) top = p[k]
  }
  sum = 0
  for (k in names) sum += p[k] = exp(p[k] - top)
  for (k in names) p[k] /= sum
}
BEGIN {
  FS = "\t"
  while ((getline line <MODEL) > 0) { split(line, part, "\t"); weights[part[1], part[2]] = part[3] }
  close(MODEL)
}
{ splits[NR] = $1; labels[NR] = $2; texts[NR] = $3; names[$2] }
END {
  for (n = 1; n <= NR; n++) {
    if (splits[n] != "train") continue
    scores(n)
    loss -= log(p[labels[n]] + 1e-12); trained++
    for (k in names) for (i = 1; i <= count; i++) weights[k, i] -= RATE * (p[k] - (k == labels[n])) * numbers[i]
  }
  for (n = 1; n <= NR; n++) {
    if (splits[n] != "val") continue
    scores(n)
    best = ""
    for (k in names) if (best == "" || p[k] > p[best]) best = k
    right += best == labels[n]; seen++
  }
  printf "" >MODEL
  for (each in weights) { split(each, part, SUBSEP); printf "%s\t%d\t%.9g\n", part[1], part[2], weights[each] >MODEL }
  printf "%.6f %.6f\n", trained ? loss / trained : 0, seen ? right / seen : 0
}
