"""Line plots as SVG, written by hand: nothing beyond Python is needed to rebuild the documents."""
import math

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 170, 36, 48
COLOURS = ["#c0392b", "#d68910", "#2471a3", "#1e8449", "#7d3c98", "#566573"]


def ticks(low, high, logarithmic):
    """Round numbers from low to high."""
    if logarithmic:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        return [m * 10.0 ** d for d in decades for m in (1, 2, 5)
                if low * 0.999 <= m * 10.0 ** d <= high * 1.001]
    step = 10.0 ** math.floor(math.log10(high - low))
    while (high - low) / step < 4:
        step /= 2
    first = math.ceil(low / step - 1e-9)
    return [step * i for i in range(first, math.floor(high / step + 1e-9) + 1)]


def line_plot(path, title, x_label, y_label, series, logarithmic=False, y_from=None, y_to=None):
    """`series`: list of (name, [(x, y), ...]); each is drawn in its own colour, with its name."""
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    x_low, x_high = min(xs), max(xs)
    y_low = min(ys) / 1.2 if logarithmic else (0 if y_from is None else y_from)
    y_high = max(ys) * 1.2 if logarithmic else (max(ys) * 1.05 if y_to is None else y_to)
    scale = math.log if logarithmic else float
    plot_w, plot_h = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def px(x):
        return LEFT + plot_w * (x - x_low) / (x_high - x_low)

    def py(y):
        return TOP + plot_h * (1 - (scale(y) - scale(y_low)) / (scale(y_high) - scale(y_low)))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="20" font-size="14">{title}</text>']
    for y in ticks(y_low, y_high, logarithmic):
        out.append(f'<path d="M{LEFT} {py(y):.1f}H{LEFT + plot_w}" stroke="#e0e0e0"/>')
        out.append(f'<text x="{LEFT - 6}" y="{py(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    for x in sorted(set(xs)):
        out.append(f'<path d="M{px(x):.1f} {TOP}V{TOP + plot_h}" stroke="#f0f0f0"/>')
        out.append(f'<text x="{px(x):.1f}" y="{TOP + plot_h + 18}" text-anchor="middle">{x:g}'
                   '</text>')
    out.append(f'<text x="{LEFT + plot_w / 2:.1f}" y="{HEIGHT - 8}" text-anchor="middle">{x_label}'
               '</text>')
    out.append(f'<text transform="translate(14 {TOP + plot_h / 2:.1f}) rotate(-90)" '
               f'text-anchor="middle">{y_label}</text>')
    names = []
    for (name, points), colour in zip(series, COLOURS):
        points = sorted(points)
        way = "L".join(f"{px(x):.1f} {py(y):.1f}" for x, y in points)
        out.append(f'<path d="M{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{colour}"/>'
                for x, y in points]
        names.append([py(points[-1][1]), name, colour])
    names.sort()
    for above, below in zip(names, names[1:]):  # no name on top of another
        below[0] = max(below[0], above[0] + 14)
    for y, name, colour in names:
        out.append(f'<text x="{LEFT + plot_w + 8}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    out.append("</svg>")
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")
