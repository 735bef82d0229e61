// A twin's task.yaml: what it needs to open in every command, the rest left to fill in.
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

#include "generators/twin/twin_part.h"

static const loomTwinScan* object_of(const loomTwinWork* work, int i) {
  return &work->part[work->part[0].told.scene + i].told;
}

static void write_top(FILE* out, const loomTwinWork* work, const loomTwinLayout* at) {
  fprintf(
      out,
      "# A twin of scans, made by `demoloom twin new`. What says FILL IN is yours to say, here or in a "
      "script of\n"
      "# `demoloom twin edit` (`task`); `demoloom help task` has every key. `demoloom twin check` on this "
      "folder says\n"
      "# whether it simulates.\n"
      "task: %s\n"
      "about: FILL IN what is to be done, in one sentence.\n"
      "env_name: Twin_%s\n\n"
      "source:\n"
      "  file: demo.hdf5            # from `demoloom teleop` or `demoloom record`\n"
      "model:\n"
      "  file: scene.xml\n"
      "  place:\n",
      work->out->task, work->out->task);
  for (int r = 0; r < 2; r++)
    fprintf(out, "    - {pos: [%.4g, %.4g, %.4g], yaw: %s}\n", at->robot[r][0], at->robot[r][1],
            at->robot[r][2], r ? "-pi/2" : "pi/2");

  fprintf(out,
          "control_freq: 20\n"
          "robots: [panda, panda]\n"
          "controller:\n"
          "  type: OSC_POSE\n"
          "  input_min: -1\n"
          "  input_max: 1\n"
          "  output_min: [-0.05, -0.05, -0.05, -0.5, -0.5, -0.5]\n"
          "  output_max: [0.05, 0.05, 0.05, 0.5, 0.5, 0.5]\n"
          "  kp: 150\n"
          "  damping_ratio: 1\n\n");
}

static void write_objects(FILE* out, const loomTwinWork* work, int n) {
  fputs("objects:\n", out);
  for (int i = 0; i < n; i++)
    fprintf(out, "  %s: {body: %s}\n", object_of(work, i)->name, object_of(work, i)->name);
}

// What is placed by resets; the others stay where the model has them.
static void write_resets(FILE* out, const loomTwinWork* work, const loomTwinLayout* at, int n) {
  static const double spread[2] = {0.03, 0.06}, turn[2] = {0.2, 0.4};
  fputs("\nreset:                       # FILL IN where things begin: ranges, m and rad\n  settle: 8\n", out);
  bool any = false;
  for (int i = 0; i < n; i++) any = any || at->spot[i].reach;
  for (int d = 0; d < 2; d++) {
    fprintf(out, any ? "  D%d:\n" : "  D%d: {}\n", d);
    for (int i = 0; i < n; i++) {
      const loomTwinSpot* s = &at->spot[i];
      if (!s->reach) continue;

      // What is large turns little, and stays clear of the arms.
      bool large = s->radius > 0.15;
      double off = large ? 0.01 : fmin(spread[d], fmax(0.01, 0.4 * s->radius)), yaw = large ? 0.05 : turn[d];
      fprintf(out, "    %s: {x: [%.4g, %.4g], y: [%.4g, %.4g], z: %.5g, yaw: [%.3g, %.3g], radius: %.3g}\n",
              object_of(work, i)->name, s->pos[0] - off, s->pos[0] + off, s->pos[1] - 0.02 - off,
              s->pos[1] + 0.02 + off, s->pos[2] + 0.001, -yaw, yaw, fmax(s->radius - 2 * off, 0.01));
    }
  }
}

static void write_success(FILE* out, const char* first, const loomTwinLayout* at) {
  fputs("\n# FILL IN when it is done. As it is: the first object is 10 cm above where it stood.\n", out);
  if (first)
    fprintf(out, "success: {height: {of: %s, above: %.4g}}\n", first, at->spot[0].pos[2] + 0.1);
  else
    fprintf(out, "success: {height: {of: {eef: 0}, above: %.4g}}\n", at->top + 0.5);

  fputs("success_hold: 10             # control steps\nmax_steps: 600\n", out);
}

// From above to two thirds of the first object's height, and up.
static void write_script(FILE* out, const char* first, double height, const loomTwinSpot* spot) {
  fputs(
      "\n# FILL IN how it is done: each arm's subtasks, and a script for `demoloom record`, or record by "
      "teleop. Arms drift\n# off their ways, so that policies learn to come back.\n"
      "defaults: {noise: {drift: 0.1}}\narms:\n",
      out);
  for (int a = 0; a < 2; a++) {
    if (first && spot->reach)
      fprintf(out, "  - subtasks: [{name: work, reference: %s, until: end}]\n", first);
    else
      fputs("  - subtasks: [{name: work, transform: world, until: end}]\n", out);
  }
  if (!first || !spot->reach) return;

  fprintf(
      out,
      "\nexpert:\n"
      "  - - {to: %s, upright: true, pos: [0, 0, %.4g], rpy: [pi, 0, 0], grip: open, stay: 8, jitter: "
      "0.003}\n"
      "    - {to: %s, upright: true, pos: [0, 0, %.4g], rpy: [pi, 0, 0], speed: 0.1, grip: close, stay: 15}\n"
      "    - {to: {eef: 0}, pos: [0, 0, -0.15], speed: 0.15, stay: 20}\n"
      "  - - {stay: 10}\n",
      first, height + 0.1, first, fmax(0.67 * height, height - 0.05));
}

void loom_twin_write_task(void* stream, const loomTwinWork* work, const loomTwinLayout* at) {
  FILE* out = stream;
  int n = work->out->n - work->part[0].told.scene;
  const char* first = n ? object_of(work, 0)->name : NULL;

  write_top(out, work, at);

  if (n) write_objects(out, work, n);
  write_success(out, first, at);
  write_resets(out, work, at, n);
  write_script(out, first, n ? at->spot[0].height : 0, &at->spot[0]);
}
