/** One look for all figures: dark on white, readable in print and by the colour-blind. */

/** Colours of Okabe and Ito, https://jfly.uni-koeln.de/color/, and greys. */
export const INK = {
  text: "#222222",
  grey: "#8a8a8a",
  blue: "#0072B2",
  orange: "#D55E00",
  green: "#009E73",
} as const;

const AXIS = {
  showgrid: true,
  gridcolor: "#e6e6e6",
  zeroline: false,
  linecolor: INK.text,
  ticks: "outside",
  automargin: true,
};

/** Layout that every figure starts from. */
export const HOUSE_LAYOUT = {
  font: { family: "DejaVu Sans, Helvetica, Arial, sans-serif", size: 13, color: INK.text },
  paper_bgcolor: "white",
  plot_bgcolor: "white",
  showlegend: false,
  margin: { l: 60, r: 30, t: 70, b: 60 },
  xaxis: AXIS,
  yaxis: AXIS,
} as const;
